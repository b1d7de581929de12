"""What an import reads and reports: rows, what was wrong with some of them, and the count."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from notify.domain.catalogue import Channel
from notify.domain.consent import Scope
from notify.domain.delivery import StoredRecipient
from notify.domain.errors import FieldProblem
from notify.domain.ledger import Change
from notify.domain.requests import Choice, Proof, RecipientInput

ERRORS_SHOWN: Final = 1000
"""Errors named in a report at most."""

_PROBLEMS_NAMED: Final = 5


class BarredFor(StrEnum):
    """Why the old tool no longer wrote to an address."""

    MANUAL = "manual"
    COMPLAINT = "complaint"
    STOP = "stop"
    HARD_BOUNCE = "hard_bounce"


BARRED_FROM: Final[Mapping[BarredFor, Scope]] = {
    BarredFor.MANUAL: Scope.MARKETING,
    BarredFor.COMPLAINT: Scope.MARKETING,
    BarredFor.STOP: Scope.MARKETING,
    BarredFor.HARD_BOUNCE: Scope.ALL,
}
"""What each reason bars an address from: nothing at all arrives where there is no mailbox."""


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """One recipient of a file: the profile, choices each with its proof, and channels that are barred.

    `line` counts from 1, the header of a table included.
    """

    line: int
    recipient: RecipientInput
    choices: tuple[tuple[Choice, Proof | None], ...] = ()
    suppressed: Mapping[Channel, BarredFor] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that was not taken, and why; the words never repeat what stands there."""

    line: int
    problems: tuple[FieldProblem, ...]

    @property
    def words(self) -> str:
        """Everything that is wrong, in one line."""
        named = [
            f"{one.pointer}: {one.detail}".removeprefix(": ").rstrip(".")
            for one in self.problems[:_PROBLEMS_NAMED]
        ]
        more = len(self.problems) - len(named)
        return "; ".join([*named, f"and {more} more"] if more else named)


@dataclass(frozen=True, slots=True)
class RecordedChoice:
    """A choice that is on the ledger, about to be stored."""

    recipient: StoredRecipient
    change: Change
    consent_id: int


@dataclass(frozen=True, slots=True)
class Barred:
    """An address about to be barred."""

    recipient: StoredRecipient
    channel: Channel
    reason: BarredFor

    @property
    def scope(self) -> Scope:
        """What it is barred from."""
        return BARRED_FROM[self.reason]


@dataclass(slots=True)
class ImportReport:
    """What became of a file. `errors` are line and words of the first that were refused."""

    accepted: int = 0
    refused: int = 0
    errors: list[tuple[int, str]] = field(default_factory=list)

    def refuse(self, row: RefusedRow) -> None:
        """Count a row that was not taken."""
        self.refused += 1
        if len(self.errors) < ERRORS_SHOWN:
            self.errors.append((row.line, row.words))

    @property
    def errors_left_out(self) -> int:
        """How many more were refused than are named."""
        return self.refused - len(self.errors)
