"""The sealed ledger and those who follow it, as the use cases need them."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from notify.domain.ledger import SealedEntry
from notify.domain.seals import Horizon


class Ledger(Protocol):
    """Seals entries, hands sealed ones out in order, and remembers how far each follower has come.

    Appending is `Consents.append`'s.
    """

    def horizon(self) -> Horizon | None:
        """Return how far numbers have been given out, and to whom; None if all that is there is sealed."""
        ...

    def seal(self, upto: int, now: datetime, most: int) -> int:
        """Close the next entries, up to a number and `most` of them; return how many.

        No entry up to that number may still be on its way. 0 also while somebody else seals.
        """
        ...

    def changes_after(self, number: int, limit: int) -> tuple[list[SealedEntry], int]:
        """Return sealed entries about a topic above a number, in order, and up to where these are all.

        Acceptances of the policy are left out: an import leaves a million of them, and they change nothing.
        """
        ...

    def behind(self, names: Collection[str]) -> list[str]:
        """Return the followers for whom there is something new."""
        ...

    def position(self, name: str) -> int | None:
        """Return the number of the last entry that a follower dealt with, 0 for none, and hold it.

        None while somebody else holds it.
        """
        ...

    def move(self, name: str, number: int) -> None:
        """Note how far a follower has come, in the transaction of what it did."""
        ...
