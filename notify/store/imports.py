"""What an import needs of the database, as a Protocol."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from notify.domain.delivery import StoredRecipient
from notify.domain.imports import Barred, RecordedChoice
from notify.domain.recipients import PolicyAcceptance, ProfilePatch


class Newcomer(NamedTuple):
    """What a file says of somebody who may be new; the patch is normalised."""

    patch: ProfilePatch
    phone_country: str | None
    acceptances: Sequence[PolicyAcceptance]


class Imports(Protocol):
    """What an import writes, many rows at a time."""

    def lock_out_all_gates(self) -> None:
        """Wait for all open gates, and keep new ones shut until commit."""
        ...

    def add(self, given: Mapping[str, Newcomer], now: datetime) -> dict[str, StoredRecipient]:
        """Store those whom nobody knows, and their acceptances, where there is a fast way; return them.

        Those who are known are locked first. ConflictError: somebody was made meanwhile; begin anew.
        """
        ...

    def record(self, choices: Sequence[RecordedChoice], now: datetime) -> None:
        """Store preferences that are on the ledger, and bar the addresses of those who left."""
        ...

    def suppress(self, barred: Sequence[Barred], now: datetime) -> None:
        """Bar addresses; what is barred already stays as it is."""
        ...
