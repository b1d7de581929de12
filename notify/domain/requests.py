"""What callers ask for, parsed: the input of the use cases."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from notify.domain.catalogue import Channel
from notify.domain.recipients import PolicyAcceptance, ProfilePatch


class Routing(StrEnum):
    """`all` channels at once, or the next one when the one before did not work out."""

    ALL = "all"
    FALLBACK = "fallback"


class Lane(StrEnum):
    """A delivery queue."""

    URGENT = "urgent"
    NORMAL = "normal"
    BULK = "bulk"


@dataclass(frozen=True, slots=True)
class RecipientInput:
    """A recipient as given by a caller: the shop's id, what is to be merged, and what goes on the ledger."""

    id: str
    profile: ProfilePatch = field(default_factory=ProfilePatch)
    consent: PolicyAcceptance | None = None


@dataclass(frozen=True, slots=True)
class NotificationRequest:
    """One notification, as asked for. `channels` None means the template's own."""

    template: str
    recipient: RecipientInput
    data: Mapping[str, Any] = field(default_factory=dict)
    channels: tuple[Channel, ...] | None = None
    routing: Routing = Routing.ALL
    send_at: datetime | None = None
    expires_at: datetime | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Idempotency:
    """The caller's key and the canonical bytes of the whole request it stands for."""

    key: str
    request: bytes


@dataclass(frozen=True, slots=True)
class Proof:
    """How a choice came about: the source and the wording shown, and where from.

    It is kept apart from the ledger, encrypted, and can be erased.
    """

    source: str
    wording: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    obtained_at: datetime | None = None
    double_opt_in_at: datetime | None = None
    """When the person confirmed the choice through the address itself, if they did."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One preference as someone wants it."""

    topic: str
    channel: Channel
    subscribed: bool
