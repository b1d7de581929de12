"""The preference centre: every topic × channel of one person, by their own token."""

from collections.abc import Sequence
from dataclasses import dataclass

from notify.domain.catalogue import Channel, Topic
from notify.domain.requests import Choice, Proof


@dataclass(frozen=True, slots=True)
class CentreRow:
    """One topic on one channel as it stands."""

    topic: Topic
    channel: Channel
    subscribed: bool


@dataclass(frozen=True, slots=True)
class CentreView:
    """What the centre shows. `addresses` are masked, and absent for a channel without an address."""

    addresses: dict[Channel, str]
    locale: str | None
    rows: list[CentreRow]


class PreferenceCentre:
    """Shows and changes all preferences of the person who holds the token."""

    def describe(self, token: str) -> CentreView:
        """Show; changes nothing. InvalidTokenError, also when the recipient is gone."""
        raise NotImplementedError

    def change(
        self, token: str, choices: Sequence[Choice], proof: Proof, locale: str
    ) -> tuple[CentreView, str | None]:
        """Apply the choices that differ; return how it stands now and an undo token if anything changed."""
        raise NotImplementedError

    def stop_news(self, token: str, proof: Proof, locale: str) -> tuple[CentreView, str | None]:
        """Stop all marketing on every channel."""
        raise NotImplementedError

    def stop_everything(self, token: str, proof: Proof, locale: str) -> tuple[CentreView, str | None]:
        """Stop everything, order updates included."""
        raise NotImplementedError

    def disown(self, token: str, channel: Channel, proof: Proof, locale: str) -> CentreView:
        """ "This is not me": bar the address of that channel from everything, and tell the shop."""
        raise NotImplementedError
