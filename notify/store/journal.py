"""What is still to be written to the journal outside the database, as the use cases need it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from notify.domain.journal import JournalRow, LedgerHead, Line
from notify.domain.ledger import SealedEntry


class Journal(Protocol):
    """Lines for the journal, and what they are made from."""

    def add(self, lines: Sequence[Line]) -> None:
        """Keep lines, along with what they tell, until they are written."""
        ...

    def is_waiting(self) -> bool:
        """Whether there are lines to be written."""
        ...

    def waiting(self, most: int) -> list[JournalRow]:
        """Return lines in their order, and hold them until commit."""
        ...

    def drop(self, numbers: Collection[int]) -> None:
        """Delete lines that are written."""
        ...

    def addresses_of(self, entries: Sequence[SealedEntry]) -> Mapping[int, Collection[bytes]]:
        """Return the addresses that each entry barred or readmitted, as far as that still shows."""
        ...

    def head(self) -> LedgerHead | None:
        """Return the newest seal of the ledger."""
        ...

    def numbers(self) -> dict[str, int]:
        """Return how far the numbers that are seen outside were given out, by table."""
        ...

    def move_numbers(self, numbers: Mapping[str, int]) -> None:
        """Have the numbers of tables go on after these, where they are not that far."""
        ...


class Restoring(Protocol):
    """What a restored database still knows, to be held against the journal."""

    def made_at(self, recipient_ids: Collection[int]) -> dict[int, datetime]:
        """Return since when the recipients that are there are there."""
        ...

    def preferences(self, recipient_ids: Collection[int]) -> Mapping[tuple[int, int, str], tuple[bool, int]]:
        """Return by recipient, topic and channel what was chosen, and the ledger entry that says so."""
        ...

    def left(self, hashes: Collection[bytes]) -> Collection[tuple[bytes, int, str]]:
        """Return which topics and channels these addresses have left."""
        ...

    def remember_erased(self, recipient_id: int, hashes: Collection[tuple[str, bytes]]) -> int:
        """Keep the addresses of somebody who was erased, for links sent to them; return how many are new."""
        ...
