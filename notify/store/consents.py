"""Preferences, opt-outs and the ledger behind them, as the use cases need them."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Protocol

from notify.domain.catalogue import Channel
from notify.domain.consent import Standing
from notify.domain.delivery import StoredRecipient
from notify.domain.ledger import Change, Choices, LedgerEntry, Left, Undo, UndoDraft

StandingKey = tuple[StoredRecipient, int, Channel]
"""Recipient, topic number, channel."""


class Consents(Protocol):
    """Preferences, opt-outs of addresses, undos of both, and the ledger behind them."""

    def lock_out_gates(self, recipient_ids: Iterable[int], hashes: Iterable[bytes]) -> None:
        """Wait for open gates on these people and addresses, and keep new ones shut until commit."""
        ...

    def before_locks(self) -> None:
        """Note where the transaction is, for `give_locks_back`."""
        ...

    def give_locks_back(self) -> None:
        """Undo all since `before_locks`, and let go of what was locked since; it may be locked anew."""
        ...

    def lock_in_gate(self, recipient_ids: Iterable[int], hashes: Iterable[bytes]) -> None:
        """Keep opt-outs of these people and addresses waiting until this gate's commit."""
        ...

    def standings(self, keys: Sequence[StandingKey]) -> list[Standing]:
        """Read what is known about each; in order."""
        ...

    def first_standings(self, keys: Sequence[StandingKey]) -> list[Standing]:
        """Read the same without a lock, of recipients right after their `upsert`, maybe as it was then."""
        ...

    def append(self, entries: Sequence[LedgerEntry]) -> list[int]:
        """Append to the ledger; return the entries' numbers."""
        ...

    def record(
        self,
        entries: Sequence[LedgerEntry],
        changes: Sequence[Change],
        hashes: Collection[bytes],
        undo: UndoDraft | None,
    ) -> list[int]:
        """Append one entry for each change of one person, and apply it; return the entries' numbers.

        Stores the preference, and bars or readmits the addresses `hashes`. `undo` takes all of it back.
        """
        ...

    def accepted_versions(self, recipient_ids: Collection[int]) -> set[tuple[int, str]]:
        """Return who has accepted which version of the privacy policy."""
        ...

    def set_preference(self, recipient_id: int, change: Change, consent_id: int, now: datetime) -> None:
        """Store one preference."""
        ...

    def clear_preference(self, recipient_id: int, topic: int, channel: Channel) -> None:
        """Forget one preference, as if never chosen."""
        ...

    def address_opted_out(self, topic: int, channel: Channel, hashes: Collection[bytes]) -> set[bytes]:
        """Return which of the hashes left the topic."""
        ...

    def choices(self, recipient_id: int, channel: Channel, hashes: Collection[bytes]) -> Choices:
        """Read what a person chose on a channel, and which topics these addresses left."""
        ...

    def opt_out_addresses(
        self, topic: int, channel: Channel, hashes: Collection[bytes], consent_id: int, now: datetime
    ) -> None:
        """Bar the addresses from the topic."""
        ...

    def readmit_by_consents(self, consent_ids: Collection[int]) -> None:
        """Take back the opt-outs of addresses that these ledger entries made."""
        ...

    def last_opt_out_at(self, recipient: StoredRecipient, topic: int, channel: Channel) -> datetime | None:
        """Return when the person, or their address under whatever recipient id, last opted out."""
        ...

    def left_by(self, recipient_id: int, channel: Channel, way: str) -> set[int]:
        """Return the topics that a person is out of by entries of this way alone.

        Whoever was out by their own word before is so still.
        """
        ...

    def undo_owner(self, digest: bytes) -> int | None:
        """Return whose undo it is, without taking it."""
        ...

    def void_undos(self, left: Collection[Left]) -> list[Undo]:
        """Have no undo take these back that was made before; return those of which nothing is left.

        Of others only what would free one of the addresses is void.
        """
        ...

    def drop_spent_undos(self, now: datetime) -> int:
        """Delete undos that ran out; return how many."""
        ...

    def keep_undo(self, digest: bytes, undo: Undo) -> None:
        """Keep an undo."""
        ...

    def take_undo(self, digest: bytes, now: datetime) -> Undo | None:
        """Take an undo, once; None if unknown, used or too late."""
        ...
