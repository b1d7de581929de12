"""Calls to the shop's webhook endpoints: what is sent, what comes back, and what follows from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import Final

from notify.domain.outbound import OutboundEvent

PAUSES: Final = (5.0, 30.0, 120.0, 900.0, 3_600.0, 10_800.0, 28_800.0, 43_200.0)
"""Seconds before each further try: nine tries in a day."""

SPREAD: Final = 0.2
"""How much longer, at random, a pause is: what failed together does not come back together."""

LONGEST_WAIT: Final = 86_400.0
"""Seconds: what an endpoint may ask for by `Retry-After`."""

FAILING_FOR: Final = timedelta(days=5)
"""After so long without one success an endpoint is told nothing more."""

_SUCCESS: Final = range(200, 300)
_TROUBLE: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


class Phase(StrEnum):
    """Where a delivery is. `calling` is claimed: it goes again when its lease ends."""

    WAITING = "waiting"
    CALLING = "calling"
    DONE = "done"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint as it is called: `secrets` are those that sign, newest first."""

    endpoint_id: int
    url: str
    secrets: Sequence[str]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A delivery that was claimed; `attempts` were made before."""

    delivery_id: int
    event_id: int
    event: OutboundEvent
    attempts: int


@dataclass(frozen=True, slots=True)
class PostAnswer:
    """What came of a call: the HTTP status, None if none came; `detail` says what was wrong, in our words."""

    status: int | None
    detail: str | None = None
    retry_after: float | None = None

    @property
    def taken(self) -> bool:
        """Whether the endpoint has it now."""
        return self.status in _SUCCESS

    @property
    def gone(self) -> bool:
        """Whether the endpoint wants nothing any more."""
        return self.status == HTTPStatus.GONE

    @property
    def troubled(self) -> bool:
        """Whether the next call would meet the same: the endpoint is to blame, not the event."""
        if self.status is None or self.status in _TROUBLE:
            return True
        return self.status >= HTTPStatus.INTERNAL_SERVER_ERROR


@dataclass(frozen=True, slots=True)
class Called:
    """One call that was made, as it is written down: its delivery's phase, and when the next one is due."""

    delivery_id: int
    phase: Phase
    due_at: datetime
    attempts: int
    answer: PostAnswer


def follow(waiting: Waiting, answer: PostAnswer, now: datetime, jitter: float) -> Called:
    """Decide what becomes of a delivery after a call. `jitter` is drawn from [0, 1)."""
    attempts = waiting.attempts + 1
    if answer.taken:
        return Called(waiting.delivery_id, Phase.DONE, now, attempts, answer)
    if attempts > len(PAUSES):
        return Called(waiting.delivery_id, Phase.GIVEN_UP, now, attempts, answer)
    pause = PAUSES[attempts - 1] * (1 + SPREAD * jitter)
    asked = min(answer.retry_after or 0.0, LONGEST_WAIT)
    due_at = now + timedelta(seconds=max(pause, asked))
    return Called(waiting.delivery_id, Phase.WAITING, due_at, attempts, answer)
