"""The opt-out link: what it would stop, stopping it, and the undo that goes with the answer."""

from dataclasses import dataclass

from notify.domain.catalogue import Channel, Topic
from notify.domain.requests import Proof


@dataclass(frozen=True, slots=True)
class OptOutView:
    """What an opt-out link is about.

    `address` is masked ("a•••@example.com"), None when the recipient is gone. `locale` is the language of the
    message that carried the link, None if that is gone. `subscribed`: whether messages still come.
    `topic` is None if it is no longer declared; stopping it works all the same.
    """

    topic: Topic | None
    channel: Channel
    address: str | None
    locale: str | None
    subscribed: bool


@dataclass(frozen=True, slots=True)
class OptOutDone:
    """An opt-out that took place. `undo` is a single-use token, good for an hour; None if nothing changed."""

    view: OptOutView
    undo: str | None


class Unsubscribe:
    """Opts out by the signed token alone; works when recipient, template or campaign are gone."""

    def describe(self, token: str) -> OptOutView:
        """Say what the link would stop; changes nothing. InvalidTokenError."""
        raise NotImplementedError

    def __call__(self, token: str, proof: Proof, locale: str, *, whole_channel: bool = False) -> OptOutDone:
        """Stop the topic on the channel, or with `whole_channel` every topic on it. Idempotent.

        `locale` is the language the wording was shown in. InvalidTokenError.
        """
        raise NotImplementedError

    def by_mail(self, mailbox_token: str, proof: Proof) -> OptOutDone:
        """Stop on the word of a mail sent to the `mailto:` address. InvalidTokenError."""
        raise NotImplementedError


class UndoOptOut:
    """Restores what one opt-out changed, and only that."""

    def __call__(self, undo: str, proof: Proof, locale: str) -> list[tuple[Topic, Channel]]:
        """Restore, once, within the hour. InvalidTokenError when unknown, used or too late."""
        raise NotImplementedError
