"""The dispatches, as the one door needs them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from notify.domain.catalogue import Channel
from notify.domain.delivery import (
    AtGate,
    Claimed,
    Correction,
    Hopeless,
    Record,
    Recovered,
)
from notify.domain.requests import Lane


class Deliveries(Protocol):
    """The dispatches: claimed, called, recorded, recovered."""

    def claim(
        self,
        lane: Lane,
        channels: Collection[Channel],
        limit: int,
        now: datetime,
        lease_until: datetime,
    ) -> list[Claimed]:
        """Claim the oldest dispatches of the lane that are due: `limit` at most, or a thousand messages."""
        ...

    def split(self, claimed: Claimed, most: int) -> int:
        """Put a claimed dispatch back as several of `most` messages each, in its place; return how many."""
        ...

    def at_gate(self, claimed: Collection[Claimed]) -> list[AtGate]:
        """Lock the dispatches that are still ours and not called yet; read their open messages anew."""
        ...

    def make_way(
        self, campaign_id: int, channel: Channel, moved: Mapping[int, bytes]
    ) -> tuple[set[int], set[int]]:
        """Return which messages must not go to the addresses they moved to, as the campaign has those.

        The second set must not go yet: whoever has the address is at another gate at this moment.
        """
        ...

    def start_calls(
        self,
        calls: Mapping[int, str],
        now: datetime,
        lease_until: datetime,
        corrections: Sequence[Correction],
    ) -> None:
        """Mark locked dispatches as being called, each by its provider; correct rows of their messages."""
        ...

    def record(self, records: Sequence[Record], now: datetime) -> set[int]:
        """Write what became of dispatches, where this worker has a say; return those that were changed."""
        ...

    def hopeless(self, now: datetime) -> list[Hopeless]:
        """Return the messages of notifications that `recover` will give up; nothing is locked yet."""
        ...

    def recover(self, now: datetime) -> Recovered:
        """Put lapsed claims back in the queue, or give them up; end lapsed calls as `unknown`."""
        ...

    def lanes_due(self, now: datetime) -> list[Lane]:
        """Return the lanes in which something waits that is due."""
        ...

    def beat(self, name: str, now: datetime) -> None:
        """Note that a periodic task ran."""
        ...
