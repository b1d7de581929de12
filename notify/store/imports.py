"""What an import needs of the database, as a Protocol."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from notify.domain.delivery import StoredRecipient
from notify.domain.imports import Barred, RecordedChoice
from notify.domain.recipients import ProfilePatch


class Imports(Protocol):
    """What an import writes, many rows at a time."""

    def lock_out_all_gates(self) -> None:
        """Wait for all open gates, and keep new ones shut until commit."""
        ...

    def upsert(
        self, given: Mapping[str, tuple[ProfilePatch, str | None]], now: datetime
    ) -> dict[str, StoredRecipient]:
        """Merge patches as `Recipients.upsert` does; made for people who are new."""
        ...

    def record(self, choices: Sequence[RecordedChoice], now: datetime) -> None:
        """Store preferences that are on the ledger, and bar the addresses of those who left."""
        ...

    def suppress(self, barred: Sequence[Barred], now: datetime) -> None:
        """Bar addresses; what is barred already stays as it is."""
        ...
