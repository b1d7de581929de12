"""What the signed tokens in links say: numbers only, no personal data."""

from typing import NamedTuple

from notify.domain.catalogue import Channel


class OptOutClaim(NamedTuple):
    """May opt recipient number `recipient` out of one topic on one channel; `message` is what carried it.

    Numbers are the database's own, from 0 to 2⁶³-1.
    """

    recipient: int
    topic: int
    channel: Channel
    message: int

    @property
    def preview(self) -> bool:
        """Whether it is of a preview or of a test, which are nobody's: its link changes nothing."""
        return not (self.recipient and self.message)


class CentreClaim(NamedTuple):
    """May see and change all preferences of recipient number `recipient`; `message` is what carried it."""

    recipient: int
    message: int

    @property
    def preview(self) -> bool:
        """Whether it is of a preview or of a test, which are nobody's: its link changes nothing."""
        return not (self.recipient and self.message)
