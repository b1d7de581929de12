"""The ledger as those need it who check or export all of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from notify.domain.ledger_findings import Audited, Contradiction, Unreadable
from notify.domain.seals import Recorded, Seal


@dataclass(frozen=True, slots=True)
class Unsealed:
    """Entries after the last seal: how many, and the oldest of them."""

    count: int
    number: int | None
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Chain:
    """The chain as it stands: its head, and how much it holds."""

    head: str
    seals: int
    entries: int


class ExportedEntry(NamedTuple):
    """One entry as others get to see it: with the shop's id of the person, unless erased, and its seal."""

    entry: Recorded
    external_id: str | None
    seal: int | None
    proof: str | Unreadable | None


class LedgerAudit(Protocol):
    """Reads the chain in pages, and what elsewhere rests on the ledger."""

    def seals_after(self, number: int, limit: int) -> list[Seal]:
        """Return links of the chain, in order."""
        ...

    def entries(self, after: int, upto: int, limit: int) -> list[Audited]:
        """Return entries above a number and up to another, in order, with the proofs that are kept."""
        ...

    def export(
        self,
        after: int | None,
        limit: int,
        *,
        recipient_id: int | None,
        since: datetime | None,
        until: datetime | None,
        proofs: bool,
    ) -> list[ExportedEntry]:
        """Return entries above a number, in order, from `since` until before `until`."""
        ...

    def chain(self) -> Chain | None:
        """Return the chain's head and size; None before the first seal."""
        ...

    def unsealed(self) -> Unsealed:
        """Return what stands after the last seal."""
        ...

    def dangling(self, limit: int) -> Iterator[Contradiction]:
        """Return what rests on an entry that is not there; `limit` of each kind."""
        ...

    def contradictions(self, limit: int) -> Iterator[Contradiction]:
        """Return what says otherwise than the entries it rests on; `limit` of each kind."""
        ...
