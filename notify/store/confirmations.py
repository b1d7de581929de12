"""What waits to be confirmed by a person, as the use cases need it."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from notify.domain.catalogue import Channel
from notify.domain.confirmations import Confirmation, Kind


class Confirmations(Protocol):
    """Confirmations that were asked for. Topics that were left since are not wanted any more."""

    def add(self, one: Confirmation) -> None:
        """Keep one."""
        ...

    def asked_since(self, recipient_id: int, since: datetime) -> list[tuple[Kind, Channel, datetime]]:
        """Return what one person was asked to confirm, used or not."""
        ...

    def find(self, digest: bytes, now: datetime) -> Confirmation | None:
        """Return one that is still good; it is not taken by that."""
        ...

    def take(self, digest: bytes, now: datetime) -> bool:
        """Use one, once; False if it is no longer good."""
        ...

    def waiting(
        self, recipient_ids: Collection[int], now: datetime, *, at: Collection[bytes] = ()
    ) -> list[Confirmation]:
        """Return what these people have not confirmed yet and still can, oldest first.

        And what anybody can by a link that went to one of the addresses `at`, by their hashes.
        """
        ...

    def drop_ended(self, now: datetime) -> int:
        """Delete those whose time has passed; return how many."""
        ...
