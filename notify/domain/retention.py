"""How long what is kept on people is kept: the kinds of it, and what a run of retention did."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final


class Kept(StrEnum):
    """What is kept for a time only."""

    CONTACTS = "recipients"
    """People who were not heard of: they are erased."""
    PROOFS = "proofs"
    """Proofs of choices that have long been replaced by others."""
    DATA = "data"
    """The data of notifications, from which their texts were written."""
    SCHEDULED_DATA = "scheduled data"
    """The same of those that were to be sent later; they count from that moment."""
    COPIES = "copies"
    """Whole messages in the local outbox."""
    VISITS = "visits"
    """IP addresses and browsers in proofs, which stay provable without."""
    EVENTS = "events"
    """What providers reported of single messages."""
    RUNS = "runs"
    """What earlier runs of retention did."""


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """After how many days; None to keep for good."""

    contacts: int | None = 1095
    bodies: int | None = 90
    ips: int | None = 365
    events: int | None = 400

    def cutoffs(self, now: datetime) -> dict[Kept, datetime]:
        """Return what is to go, and of before when."""
        days = {
            Kept.CONTACTS: self.contacts,
            Kept.PROOFS: self.contacts,
            Kept.DATA: self.bodies,
            Kept.SCHEDULED_DATA: self.bodies,
            Kept.COPIES: self.bodies,
            Kept.VISITS: self.ips,
            Kept.EVENTS: self.events,
            Kept.RUNS: self.events,
        }
        return {kind: now - timedelta(days=count) for kind, count in days.items() if count}


@dataclass(frozen=True, slots=True)
class Step:
    """A piece of a run: how many went, the number of the last row looked at, and whether more follow.

    `mark` is up to where nothing of the kind is left, where the next run begins.
    """

    count: int
    after: int
    mark: int
    more: bool


AGAIN: Final = frozenset({Kept.CONTACTS, Kept.PROOFS})
"""Kinds of which every row is looked at again, some in each run: time alone does not make them go."""


@dataclass(frozen=True, slots=True)
class RetentionRun:
    """What a run did: counts by kind, and for each kind where the next run begins."""

    at: datetime
    counts: Mapping[str, int]
    marks: Mapping[str, int] = field(default_factory=dict)
