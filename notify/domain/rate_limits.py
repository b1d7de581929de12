"""The arithmetic of limits: who may call a provider now, who waits how long, and that orders overtake.

Redis does the same sums for all workers together (`notify.throttle`); a contract test compares the two.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.utils import parseaddr
from functools import lru_cache
from math import isfinite
from typing import Any, Final

from notify.domain.delivery import PlannedCall
from notify.domain.requests import Lane

RANKS: Final = (Lane.URGENT, Lane.NORMAL, Lane.BULK)
"""Who overtakes whom: a lane never waits for one that stands behind it."""

BURST_SECONDS: Final = 0.25
"""How much of a limit may be saved up while nothing is sent, for each lane."""

FIRST_LOOK_SECONDS: Final = {Lane.URGENT: 0.02, Lane.NORMAL: 0.05, Lane.BULK: 0.1}
"""When to ask again for a place among concurrent calls: nobody knows when one ends."""

WANTED_SECONDS: Final = 0.1
"""How long a place that comes free is kept for a lane that was sent away."""

LONGEST_WAIT_SECONDS: Final = 10.0
"""Nobody is sent away for longer: a limit may be raised, a hold forgotten, a provider come back."""

ROUNDING: Final = 1e-6
"""Seconds that sums of fractions of large times may be off."""

_FIELDS: Final = ("per_second", "concurrent", "bulk_concurrent")
_LEAST_CONCURRENT: Final = 3
_RESERVED_SHARE: Final = 8
_SINGLES: Final = 16
_MOST: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What a provider allows a sender: messages a second, calls in flight, and those of them for campaigns.

    None is no limit. They hold for all workers together. `bulk_concurrent` is of calls with many messages;
    of those with one, as each SMS is, a campaign may have sixteen times as many in flight.
    """

    per_second: float | None = None
    concurrent: int | None = None
    bulk_concurrent: int = 8

    @property
    def burst(self) -> float:
        """How many messages may leave at once after a rest."""
        return max(1.0, self.per_second * BURST_SECONDS) if self.per_second else 0.0

    @property
    def bulk_singles(self) -> int:
        """How many calls of one message each a campaign may have in flight."""
        return _SINGLES * self.bulk_concurrent

    @property
    def reserve(self) -> int:
        """How many places in flight each lane leaves to those before it."""
        return max(1, self.concurrent // _RESERVED_SHARE) if self.concurrent else 0


@dataclass(frozen=True, slots=True)
class ProviderLimits:
    """The limits of an installation, by provider, and by provider and sender where these differ."""

    by_name: Mapping[tuple[str, str | None], Limits] = field(default_factory=dict)

    def of(self, provider: str, sender: str) -> Limits:
        """Return what holds for a sender at a provider."""
        own = self.by_name.get((provider, bare(sender)))
        return own or self.by_name.get((provider, None)) or Limits()


@lru_cache(maxsize=256)
def bare(sender: str) -> str:
    """Return a sender without its display name, in one spelling."""
    return (parseaddr(sender)[1] or sender if "@" in sender else sender).strip().lower()


def read_limits(given: object, providers: frozenset[str]) -> ProviderLimits:
    """Read `{"sendgrid": {"per_second": 500}, "sendgrid news@example.org": {…}}`.

    What a sender's entry leaves out is taken from its provider's. ValueError says what is wrong.
    """
    if not isinstance(given, dict):
        raise ValueError('must be a JSON object, as {"twilio": {"per_second": 10}}')  # noqa: TRY004 - for pydantic
    found: dict[tuple[str, str | None], Limits] = {}
    for name, values in sorted(given.items()):  # a provider comes before its senders
        provider, _, sender = name.strip().partition(" ")
        if provider not in providers:
            raise ValueError(f"each key must begin with one of {', '.join(sorted(providers))}")
        start = found.get((provider, None), Limits())
        found[provider, bare(sender) if sender.strip() else None] = _one(values, start)
    return ProviderLimits(found)


def _one(values: object, start: Limits) -> Limits:
    if not isinstance(values, dict) or not values or set(values) - set(_FIELDS):
        raise ValueError(f"each value must be an object with some of {', '.join(_FIELDS)}")
    fields: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            raise ValueError(f"{name} must be a number")
        if name == "per_second" and 0 < value <= _MOST:
            fields[name] = float(value)
        elif name != "per_second" and value == int(value) and 1 <= value <= _MOST:
            fields[name] = int(value)
        else:
            raise ValueError(
                f"{name} must be {'more than 0' if name == 'per_second' else 'a whole number ≥ 1'}"
            )
    limits = replace(start, **fields)
    if limits.concurrent is not None and limits.concurrent < _LEAST_CONCURRENT:
        raise ValueError(
            "concurrent must be 3 or more: a place each for orders, for batches and for campaigns"
        )
    return limits


@dataclass(slots=True)
class _Bucket:
    """One lane's allowance, full again at `full_at`; until `wanted_until` lanes behind leave it places."""

    full_at: float = 0.0
    wanted_until: float = 0.0


class Meter:
    """What one sender has used at one provider. Times are seconds of any one clock that never goes back.

    Each lane has a bucket that pays for its own messages and for those of the lanes before it: so a lane
    that overtakes is not slowed down by the rest, and the rest makes room for it. A call with more messages
    than a bucket holds begins when it is full, and leaves a debt.
    """

    def __init__(self, limits: Limits, lease: float) -> None:
        """`lease`: after how many seconds a call that was never given back no longer counts."""
        self._limits = limits
        self._lease = lease
        self._buckets = {lane: _Bucket() for lane in RANKS}
        self._calls: dict[str, tuple[Lane, float]] = {}
        self.held_until = 0.0

    def hold(self, until: float) -> None:
        """Let nobody call until then; a hold never shrinks."""
        self.held_until = max(self.held_until, until)

    def finished(self, key: str) -> None:
        """Give a place back."""
        self._calls.pop(key, None)

    def admit(self, calls: Sequence[PlannedCall], now: float) -> list[float]:
        """Return for each call how many seconds to wait; those with 0.0 are counted as begun."""
        self._calls = {key: one for key, one in self._calls.items() if one[1] > now}
        if self.held_until > now:
            return [min(self.held_until - now, LONGEST_WAIT_SECONDS)] * len(calls)
        rate = self._limits.per_second
        behind: dict[Lane, float] = {}
        waits = []
        for call in calls:
            # Who comes after one that was sent away does not overtake it.
            wait = behind[call.lane] if call.lane in behind else self._wait(call, now)
            if wait > 0:
                behind[call.lane] = wait + (call.messages / rate if rate else 0.0)
            else:
                self._begin(call, now)
            waits.append(min(wait, LONGEST_WAIT_SECONDS))
        return waits

    def _wait(self, call: PlannedCall, now: float) -> float:
        """Return how long to wait; 0.0 for not at all."""
        ahead = RANKS[: RANKS.index(call.lane)]
        if self._no_place(call) or any(self._buckets[lane].wanted_until > now for lane in ahead):
            self._buckets[call.lane].wanted_until = now + WANTED_SECONDS
            return FIRST_LOOK_SECONDS[call.lane]
        rate, burst = self._limits.per_second, self._limits.burst
        if not rate:
            return 0.0
        debt = max(0.0, self._buckets[call.lane].full_at - now)
        need = min(float(call.messages), burst)
        if debt <= (burst - need) / rate + ROUNDING:
            return 0.0
        if call.lane is Lane.BULK:  # so that it comes back for several at once
            need = max(need, burst / 2)
        return max(debt - (burst - need) / rate, 0.001)

    def _no_place(self, call: PlannedCall) -> bool:
        limits = self._limits
        bulk = sum(1 for one, _ in self._calls.values() if one is Lane.BULK)
        most = limits.bulk_concurrent if call.messages > 1 else limits.bulk_singles
        if call.lane is Lane.BULK and bulk >= most:
            return True
        if limits.concurrent is None:
            return False
        return len(self._calls) >= limits.concurrent - limits.reserve * RANKS.index(call.lane)

    def _begin(self, call: PlannedCall, now: float) -> None:
        if call.lane is Lane.BULK or self._limits.concurrent is not None:
            self._calls[call.key] = (call.lane, now + self._lease)
        if self._limits.per_second:
            for lane in RANKS[RANKS.index(call.lane) :]:
                bucket = self._buckets[lane]
                bucket.full_at = max(bucket.full_at, now) + call.messages / self._limits.per_second
