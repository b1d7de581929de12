"""Confirmations: what a person asks for counts once they confirm it through their own address."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from notify.domain.catalogue import Channel
from notify.domain.requests import Proof


class Kind(StrEnum):
    """What is to be confirmed."""

    SUBSCRIBE = "subscribe"
    EXPORT = "export"
    ERASE = "erase"
    CENTRE = "centre"


LASTS: Final[Mapping[Kind, timedelta]] = {
    Kind.SUBSCRIBE: timedelta(days=7),
    Kind.EXPORT: timedelta(hours=24),
    Kind.ERASE: timedelta(hours=24),
    Kind.CENTRE: timedelta(hours=24),
}
"""How long a link is good, at least the day over which requests are counted."""

MESSAGE_LASTS: Final = timedelta(hours=1)
"""A message that did not leave by then is not sent any more: nobody waits for it."""

ASK_AGAIN_AFTER: Final = timedelta(minutes=2)
"""Between two of a kind on a channel to one person."""

MOST_A_DAY: Final = 5
"""To one person, of all kinds: whoever holds a forwarded link must not be able to flood them."""

TEMPLATES: Final[Mapping[Kind, str]] = {
    Kind.SUBSCRIBE: "confirm_subscription",
    Kind.EXPORT: "confirm_export",
    Kind.ERASE: "confirm_erasure",
    Kind.CENTRE: "preference_link",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person wants to subscribe to, by topic number, and how they said so."""

    topics: tuple[int, ...]
    proof: Proof


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Something that waits to be confirmed; `digest` is the SHA-256 of the token in the message.

    `address_hash` is where that went: the link is void once the person's address is another.
    `asked_from` is the message whose link led to the request, `message_id` the one that asks to confirm.
    """

    digest: bytes
    recipient_id: int
    kind: Kind
    channel: Channel
    address_hash: bytes
    locale: str
    message_id: int
    created_at: datetime
    expires_at: datetime
    asked_from: int | None = None
    wanted: Wanted | None = None


def pending_in(waiting: Iterable[Confirmation]) -> set[tuple[int, Channel]]:
    """Return the topic numbers, each with its channel, that are subscribed to once they are confirmed."""
    return {(number, one.channel) for one in waiting if one.wanted for number in one.wanted.topics}


@dataclass(frozen=True, slots=True)
class LinkSent:
    """A link is on its way to an address, which is shown masked."""

    channel: Channel
    masked: str
