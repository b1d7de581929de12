"""What a provider reports later about a message, in our words."""

from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

LONGEST_EVENT_ID: Final = 100


class EventKind(StrEnum):
    """What happened to a message; the adapters translate each provider's vocabulary into it."""

    PROCESSED = "processed"
    """The provider has taken the message and will try to deliver it."""
    SENT = "sent"
    """The provider has handed it to the next carrier."""
    DEFERRED = "deferred"
    """The far side does not take it for now; the provider goes on trying."""
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    """The far side refused it; `hard` says whether for good."""
    DROPPED = "dropped"
    """The provider did not even try: it bars the address itself, or the message is invalid."""
    FAILED = "failed"
    """It was not delivered; `hard` says whether the address is to blame for good."""
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    OPENED = "opened"
    CLICKED = "clicked"
    UNKNOWN = "unknown"
    """A word that our table does not have, or one that says nothing about a message's fate."""


class ProviderEvent(NamedTuple):
    """One event about one message. Which one is said by `message_ref` (our public id), else by theirs.

    `event_id` is at most 100 characters and the same for each repetition of an event: it makes replays
    harmless. `provider_message_id` is what the call was answered with; the messages of one call may share it,
    so that by itself it names a message only where calls carry one. `hard`: True if the address is bad for
    good, False if certainly not, None where the provider does not say. `stopped`: the person has sent STOP to
    the sender. `because`: the complaint or opt-out of before for which the provider bars the address.
    `detail` has no personal data. A tuple is made in a quarter of the time of a dataclass, and there are
    thousands a second.
    """

    provider: str
    event_id: str
    kind: EventKind
    at: datetime
    message_ref: str | None = None
    provider_message_id: str | None = None
    detail: str | None = None
    hard: bool | None = None
    stopped: bool = False
    because: EventKind | None = None
