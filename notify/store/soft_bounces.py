"""Soft bounces that are counted, as the use cases need them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from notify.domain.catalogue import Channel
from notify.domain.soft_bounces import CountedBounce


class SoftBounces(Protocol):
    """Counts messages that bounced for now, by address."""

    def of(self, channel: Channel, hashes: Collection[bytes]) -> list[CountedBounce]:
        """Return what is counted for these addresses."""
        ...

    def add(self, channel: Channel, bounces: Sequence[CountedBounce]) -> None:
        """Count bounces; each message once."""
        ...

    def drop(self, message_ids: Collection[int]) -> None:
        """Count these messages no more."""
        ...

    def drop_before(self, at: datetime) -> int:
        """Forget what bounced before `at`; return how much that was."""
        ...
