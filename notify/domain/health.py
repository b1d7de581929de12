"""How a provider fares: when to step away from it, when to try it again, and how it comes back."""

from collections import deque
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from notify.domain.outcome import Ambiguous, Outcome, Transient

ERRORS_IN_A_ROW: Final = 3
"""Calls that went badly one after another, after which a provider is stepped away from."""

WINDOW: Final = 20
"""So many calls are looked back on; half of them gone badly is too many, however they are spread."""

FIRST_PAUSE: Final = 30.0
"""Seconds without it before the first probe; each probe that goes badly doubles them."""

LONGEST_PAUSE: Final = 300.0

PROBE_LEASE: Final = 60.0
"""Seconds after which a probe that nobody reported is given up, and another one made."""

LEFT_TO_SMALL: Final = 5.0
"""Seconds for which a probe that is due is left to a call of one message: less is lost if it goes badly."""

COMING_BACK: Final = 30.0
"""Seconds over which a provider that came back gets its share again; one bad call in them ends it."""

_FIRST_SHARE: Final = 0.1
_SLOW_FROM: Final = 2.0
_SLOW_FACTOR: Final = 8.0
_TOO_SLOW: Final = 8.0
_TOO_SLOW_A_MESSAGE: Final = 0.1
_SAMPLES: Final = 20
_LEARNING: Final = 0.05
_LEARNING_FROM_PROBES: Final = 0.3


class Verdict(StrEnum):
    """What one call says about its provider."""

    GOOD = "good"
    ERROR = "error"
    SLOW = "slow"
    HELD = "held"
    """It asked us to wait: that is a limit, and no failure."""


class Pace:
    """How long a provider's calls take as a rule, by the order of magnitude of their size."""

    def __init__(self) -> None:
        self._normal: dict[int, tuple[int, float]] = {}

    def too_slow(self, messages: int, seconds: float) -> bool:
        """Whether a call took far longer than is usual here, or than anybody should wait."""
        if seconds > _TOO_SLOW + _TOO_SLOW_A_MESSAGE * messages:
            return True
        samples, normal = self._normal.get(len(str(messages - 1)), (0, 0.0))
        return samples >= _SAMPLES and seconds > max(_SLOW_FROM, normal * _SLOW_FACTOR)

    def learn(self, messages: int, seconds: float, share: float) -> None:
        """Take a call into account."""
        size = len(str(messages - 1))
        samples, normal = self._normal.get(size, (0, seconds))
        self._normal[size] = (samples + 1, normal + (seconds - normal) * max(share, 1 / (samples + 1)))


class Health:
    """One provider's state, as this process sees it. Times are seconds of any one clock."""

    def __init__(self) -> None:
        self.away_until: float | None = None
        """From when on it may be probed; None while it is in use."""
        self._pause = FIRST_PAUSE
        self._pace = Pace()
        self._recent: deque[bool] = deque(maxlen=WINDOW)
        self._row = 0
        self._probe_until = 0.0
        self._tested = False
        self._back_at: float | None = None

    def share(self, now: float) -> float:
        """Return how much of its weight counts now: 0 while it is away, 1 when all is well."""
        if self.away_until is not None:
            return 0.0
        if self._back_at is None:
            return 1.0
        return min(1.0, _FIRST_SHARE + (1 - _FIRST_SHARE) * (now - self._back_at) / COMING_BACK)

    def probe_due(self, now: float, messages: int) -> bool:
        """Whether a call of so many messages should try how it is."""
        if self.away_until is None or self._probe_until > now:
            return False
        return self.away_until + (LEFT_TO_SMALL if messages > 1 else 0.0) <= now

    def tested(self, now: float) -> None:
        """Note that a call is given to it although it is away: its outcome will tell."""
        self._tested = True
        self._probe_until = now + PROBE_LEASE

    def judge(self, outcomes: Sequence[Outcome], seconds: float) -> Verdict:
        """Say what a call means for its provider, which is not to blame for a message it refused."""
        if all(isinstance(one, Transient | Ambiguous) for one in outcomes):
            asked = any(isinstance(one, Transient) and one.retry_after is not None for one in outcomes)
            return Verdict.HELD if asked else Verdict.ERROR
        return Verdict.SLOW if self._pace.too_slow(len(outcomes), seconds) else Verdict.GOOD

    def note(self, outcomes: Sequence[Outcome], seconds: float, now: float) -> Verdict:
        """Take a call into account; `away_until` tells what follows from it."""
        verdict = self.judge(outcomes, seconds)
        tried = self._tested
        if verdict is Verdict.GOOD or (verdict is Verdict.SLOW and tried):
            self._pace.learn(len(outcomes), seconds, _LEARNING_FROM_PROBES if tried else _LEARNING)
        if self.away_until is not None:
            if tried:  # what was under way when it was stepped away from says nothing new
                self._end_probe(verdict, now)
        elif verdict is not Verdict.HELD:
            self._watch(verdict is Verdict.GOOD, now)
        return verdict

    def _end_probe(self, verdict: Verdict, now: float) -> None:
        self._tested, self._probe_until = False, 0.0
        if verdict is Verdict.GOOD:
            self.away_until, self._back_at = None, now
            self._row = 0
            self._recent.clear()
            return
        if self.away_until is None or now < self.away_until:
            return  # it was called before its time, because there was no other
        if verdict is not Verdict.HELD:
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
        self.away_until = now + self._pause

    def _watch(self, good: bool, now: float) -> None:  # noqa: FBT001 - it reads well at its one call
        self._row = 0 if good else self._row + 1
        self._recent.append(good)
        if self._back_at is not None and now - self._back_at >= COMING_BACK:
            self._back_at, self._pause = None, FIRST_PAUSE
        relapse = self._back_at is not None and not good
        often = len(self._recent) == WINDOW and self._recent.count(False) * 2 >= WINDOW
        if relapse:
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
        if relapse or often or self._row >= ERRORS_IN_A_ROW:
            self.away_until, self._back_at = now + self._pause, None
