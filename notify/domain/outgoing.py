"""Messages ready to be handed to a provider."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class OutgoingEmail:
    """One e-mail to one person. `message_ref` is our public message id, safe to give to a provider."""

    message_ref: str
    sender: str
    to: str
    subject: str
    html: str
    text: str
    headers: Mapping[str, str]
    reply_to: str | None = None


@dataclass(frozen=True, slots=True)
class OutgoingSms:
    """One SMS to one person; `sender` is a number, an alphanumeric id or a Messaging Service SID.

    `valid_for` is how many seconds the provider may keep trying.
    """

    message_ref: str
    sender: str
    to: str
    text: str
    valid_for: int | None = None


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """One message as the local outbox kept it, instead of a provider taking it."""

    id: int
    kept_at: datetime
    message: OutgoingEmail | OutgoingSms
