"""What the one door works on: claimed dispatches, their letters, and what became of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from notify.domain.catalogue import Channel
from notify.domain.consent import Standing
from notify.domain.newsletters import Pinned
from notify.domain.recipients import Attributes, Profile
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
    """A message about to be stored; `reason` is set when it is skipped from the start.

    `basis` is the regime it rests on, with the entry of the ledger, where it may go.
    """

    channel: Channel
    topic: int
    locale: str
    status: Status
    reason: Reason | None = None
    address_hash: bytes | None = None
    basis: str | None = None
    basis_consent_id: int | None = None


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
    message_ids: list[int]
    dispatch_ids: list[int]


@dataclass(frozen=True, slots=True)
class NotificationErrand:
    """What a message of a notification is about."""

    notification_id: int
    template: str
    data: Mapping[str, Any]
    channels: tuple[Channel, ...]
    routing: Routing
    test: bool
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class CampaignErrand:
    """What the messages of a campaign are about: one for a whole dispatch."""

    campaign_id: int
    pinned: Pinned
    test: bool
    expires_at: datetime | None = None


Errand = NotificationErrand | CampaignErrand


@dataclass(slots=True)
class Letter:
    """One claimed message with all that is needed to decide on it and to write it.

    `address` is what it will be written to, with its keyed hash; None where there is none.
    `standing` None: it was judged just before, and will be at the gate. Not frozen: a million are made.
    """

    message_id: int
    recipient_id: int
    channel: Channel
    topic: int
    locale: str
    address: str | None
    address_hash: bytes | None
    name: str | None
    errand: Errand
    attributes: Attributes = field(default_factory=dict)
    timezone: str | None = None
    country: str | None = None
    phone_country: str | None = None
    standing: Standing | None = None


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


class AtGate(NamedTuple):
    """Open messages of one dispatch at the gate, of whose recipients the same is known.

    `present`: their recipients are there, or they go to addresses of nobody we know (not `known`), as tests
    do. `standing` has `OF_PREFERENCE` and `OF_POLICY` in the place of entries of the ledger.

    Of each message there is its number and its address's keyed hash; the hash, basis and ledger entry that
    its row has so far; the entries of its recipient's preference and acceptance of the policy.
    """

    dispatch_id: int
    topic: int
    channel: Channel
    present: bool
    known: bool
    phone_country: str | None
    standing: Standing
    messages: Sequence[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Correction:
    """What of a message's row the gate found to be out of date; `moved`: it goes to another address now."""

    message_id: int
    address_hash: bytes | None
    moved: bool
    basis: str
    basis_consent_id: int | None


@dataclass(frozen=True, slots=True)
class Settled:
    """Where one message ended for now, as it is written to its row."""

    message_id: int
    status: Status
    reason: Reason | None = None
    detail: str | None = None
    provider: str | None = None
    provider_message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Fate:
    """Where all messages of a dispatch ended that have no status of their own."""

    status: Status
    detail: str | None = None
    provider_message_id: str | None = None


@dataclass(frozen=True, slots=True)
class AttemptMade:
    """One try, as it is written to its row; `message_id` None stands for all messages of the dispatch."""

    message_id: int | None
    at: datetime
    provider: str
    outcome: str
    detail: str | None
    duration_ms: int | None


@dataclass(frozen=True, slots=True)
class Deferred:
    """Messages of a dispatch that are looked at again at `due_at`.

    `whole`: they are all it has. `counts`: a try was made. `held`: the hours forbid it for now.
    """

    message_ids: Collection[int]
    due_at: datetime
    whole: bool
    counts: bool
    held: bool = False


@dataclass(slots=True)
class Record:
    """Everything a worker writes when it is through with a dispatch."""

    claimed: Claimed
    provider: str | None = None
    fate: Fate | None = None
    settled: list[Settled] = field(default_factory=list)
    attempts: list[AttemptMade] = field(default_factory=list)
    deferred: list[Deferred] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Hopeless:
    """An open message of a notification whose dispatch is to be given up: it kills whoever prepares it."""

    dispatch_id: int
    message_id: int
    recipient_id: int
    notification_id: int
    channel: Channel
    lane: Lane


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was done about leases that ran out, counted; the dispatches that were given up, and those `lost`.

    `unknown` counts the messages of the lost ones.
    """

    returned: int
    unknown: int
    given_up: Collection[int]
    lost: Collection[int]


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


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A call to a provider for which leave is asked. `key` is its own, as long as it lasts."""

    key: str
    provider: str
    sender: str
    lane: Lane
    messages: int
