"""What the one door works on: claimed dispatches, their letters, and what became of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from notify.domain.catalogue import Channel
from notify.domain.consent import Standing
from notify.domain.recipients import Profile
from notify.domain.requests import Lane, Routing
from notify.domain.status import Reason, Status


@dataclass(frozen=True, slots=True)
class StoredRecipient:
    """A recipient as stored. `id` is the permanent number, `external_id` the shop's own."""

    id: int
    external_id: str
    profile: Profile
    hashes: Mapping[Channel, bytes]
    policy_consent_id: int | None = None


@dataclass(frozen=True, slots=True)
class MessageDraft:
    """A message about to be stored; `reason` is set when it is skipped from the start."""

    channel: Channel
    topic: int
    locale: str
    status: Status
    reason: Reason | None = None
    address_hash: bytes | None = None


@dataclass(frozen=True, slots=True)
class NotificationDraft:
    """A notification about to be stored, with its messages."""

    recipient_id: int
    template: str
    data: Mapping[str, Any]
    channels: tuple[Channel, ...]
    routing: Routing
    lane: Lane
    created_at: datetime
    due_at: datetime
    send_at: datetime | None
    expires_at: datetime | None
    reference: str | None
    test: bool
    messages: Sequence[MessageDraft]


@dataclass(frozen=True, slots=True)
class StoredNotification:
    """The numbers a stored notification got; `message_ids` in the order of its drafts."""

    id: int
    message_ids: Sequence[int]
    dispatch_ids: Sequence[int]


@dataclass(frozen=True, slots=True)
class Letter:
    """One claimed message with all that is needed to decide on it and to write it.

    The recipient is read anew at the gate. `address_hash` is what the message's row says it goes to.
    """

    message_id: int
    notification_id: int
    recipient: StoredRecipient
    channel: Channel
    topic: int
    locale: str
    template: str
    data: Mapping[str, Any]
    channels: tuple[Channel, ...]
    routing: Routing
    reference: str | None
    test: bool
    expires_at: datetime | None
    address_hash: bytes | None
    standing: Standing


@dataclass(frozen=True, slots=True)
class Claimed:
    """A dispatch that this worker holds until its lease ends. `claim` proves it; `attempt` counts from 1.

    `unreadable` are messages whose data could not be decrypted, each with its expiry.
    """

    dispatch_id: int
    claim: str
    lane: Lane
    channel: Channel
    attempt: int
    planned_at: datetime
    letters: Sequence[Letter]
    unreadable: Sequence[tuple[int, datetime | None]] = ()


@dataclass(frozen=True, slots=True)
class Settled:
    """Where a message ended for now, as it is written to its row."""

    message_id: int
    status: Status
    reason: Reason | None = None
    detail: str | None = None
    provider: str | None = None
    provider_message_id: str | None = None
    basis: str | None = None
    basis_consent_id: int | None = None


@dataclass(frozen=True, slots=True)
class AttemptMade:
    """One try, as it is written to its row."""

    message_id: int
    at: datetime
    provider: str
    outcome: str
    detail: str | None
    duration_ms: int | None


@dataclass(frozen=True, slots=True)
class Deferred:
    """Messages of a dispatch that are to be tried again at `due_at`; `held` when hours forbid it for now."""

    message_ids: Sequence[int]
    due_at: datetime
    held: bool = False


@dataclass(slots=True)
class Record:
    """Everything a worker writes when it is through with what it claimed."""

    settled: list[Settled] = field(default_factory=list)
    attempts: list[AttemptMade] = field(default_factory=list)
    deferred: Deferred | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """A message that was cancelled or superseded before it left."""

    message_id: int
    topic: int
    channel: Channel


@dataclass(frozen=True, slots=True)
class SentTo:
    """Where a message went: its language, and the keyed hash of the address once it was handed over."""

    locale: str
    address_hash: bytes | None
