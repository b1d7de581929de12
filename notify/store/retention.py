"""What is kept for a time only, as the use cases need it."""

from datetime import datetime
from typing import Protocol

from notify.domain.retention import Kept, RetentionRun, Step


class Retention(Protocol):
    """Takes what is old, some rows at a time, and remembers how far it has come."""

    def step(self, kind: Kept, after: int, before: datetime, *, dry_run: bool) -> Step:
        """Take what of a kind is from before a time, from the row after a number on; or only count it.

        Not `Kept.CONTACTS`, who are to be erased one by one.
        """
        ...

    def idle(self, after: int, before: datetime) -> tuple[list[int], Step]:
        """Return some recipients who have not been in contact since `before`.

        Contact is what they made: an order, a choice, a purchase; or the shop's changing their profile.
        Newsletters to them are none.
        """
        ...

    def still_idle(self, number: int, before: datetime) -> bool:
        """Whether a recipient, who is locked, has not been in contact since."""
        ...

    def last_run(self) -> RetentionRun | None:
        """Return what the last run did."""
        ...

    def add_run(self, run: RetentionRun) -> None:
        """Keep what a run did."""
        ...
