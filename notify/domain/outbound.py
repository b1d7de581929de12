"""What the shop is told by outbound webhooks: the kinds of event, and who listens to which."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from notify.domain.status import Status

EVERYTHING: Final = "*"
"""In an endpoint's list of events: all there are, those of later versions included."""

ANY_MESSAGE: Final = "message.*"

PREFERENCE_CHANGED: Final = "preference.changed"
ADDRESS_DISPUTED: Final = "address.disputed"
RECIPIENT_ERASED: Final = "recipient.erased"
PING: Final = "ping"
"""Sent on request alone, to whoever asked, whatever they listen to."""

TOLD: Final = frozenset(
    {
        Status.SENT,
        Status.DELIVERED,
        Status.SKIPPED,
        Status.CANCELLED,
        Status.EXPIRED,
        Status.FAILED,
        Status.BOUNCED,
        Status.COMPLAINED,
        Status.UNKNOWN,
    }
)
"""The statuses of a message that are told: those it ends in, and those on the way that say something."""


def message_type(status: Status) -> str:
    """Return the event of a message that reached `status`."""
    return f"message.{status}"


MESSAGE_TYPES: Final = tuple(message_type(status) for status in Status if status in TOLD)

EVENT_TYPES: Final = (
    *MESSAGE_TYPES,
    PREFERENCE_CHANGED,
    ADDRESS_DISPUTED,
    RECIPIENT_ERASED,
)


@dataclass(frozen=True, slots=True)
class OutboundEvent:
    """One thing that happened, as the shop is told it: ids and words, no personal data.

    A `topic` in `data` is the topic's permanent number; it is told by its name.
    """

    type: str
    at: datetime
    data: Mapping[str, Any]


def listens(events: Collection[str], event_type: str) -> bool:
    """Whether an endpoint with this list of events is told of `event_type`."""
    if EVERYTHING in events or event_type in events:
        return True
    return ANY_MESSAGE in events and event_type.startswith("message.")
