"""Which endpoints listen to what, remembered for a moment: every message that moves asks it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select

from notify.storage.outbound_tables import WebhookEndpoint
from notify.storage.prepared import Prepared

FRESH_SECONDS: Final = 0.1
"""How long an answer is used again."""

KNOWN_AFTER_SECONDS: Final = FRESH_SECONDS + 0.2
"""After so long every process has heard of a change; the rest is for transactions that asked just before."""

_ACTIVE: Final = Prepared(
    lambda _: (
        select(WebhookEndpoint.id, WebhookEndpoint.events)
        .where(WebhookEndpoint.disabled_at.is_(None))
        .order_by(WebhookEndpoint.id)
    )
)


@dataclass(frozen=True, slots=True)
class Listening:
    """An endpoint, and the events it listens to."""

    endpoint_id: int
    events: frozenset[str]


class Listeners:
    """Keeps what was read last. Safe for any number of threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` tells seconds, from anywhere on."""
        self._clock = clock
        self._kept: tuple[float, Sequence[Listening]] | None = None

    def get(self, connection: Connection) -> Sequence[Listening]:
        """Return the endpoints that are told anything, as they were a moment ago."""
        kept, asked_at = self._kept, self._clock()
        if kept and asked_at - kept[0] < FRESH_SECONDS:
            return kept[1]
        found = [Listening(number, frozenset(events)) for number, events in _ACTIVE.rows(connection, {})]
        self._kept = (asked_at, found)
        return found

    def forget(self) -> None:
        """Read them anew at the next call, as they have changed."""
        self._kept = None
