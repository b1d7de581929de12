"""The shapes of answers: JSON-ready, the same for API, saved idempotent answers and exports."""

from typing import Any, TypedDict


class MessageSummary(TypedDict):
    """A message inside its notification's answer."""

    id: str
    channel: str
    status: str
    reason: str | None


class NotificationView(TypedDict):
    """A notification and where its messages are."""

    id: str
    status: str
    template: str
    reference: str | None
    recipient_id: str
    created_at: str
    send_at: str | None
    expires_at: str | None
    messages: list[MessageSummary]


class AttemptView(TypedDict):
    """One try to hand a message to a provider."""

    at: str
    provider: str
    outcome: str
    detail: str | None
    duration_ms: int | None


class EventView(TypedDict):
    """What the provider reported later."""

    at: str
    type: str
    detail: str | None


class BasisView(TypedDict):
    """Why did I get this? The regime that applied and the ledger entry it rests on."""

    regime: str | None
    consent_id: str | None


class MessageView(TypedDict):
    """One message in full."""

    id: str
    notification_id: str | None
    campaign_id: str | None
    recipient_id: str | None
    channel: str
    topic: str
    template: str | None
    status: str
    reason: str | None
    detail: str | None
    explanation: str
    provider: str | None
    provider_message_id: str | None
    created_at: str
    scheduled_for: str | None
    next_attempt_at: str | None
    sent_at: str | None
    expires_at: str | None
    test: bool
    basis: BasisView
    attempts: list[AttemptView]
    events: list[EventView]


class PreferenceView(TypedDict):
    """One topic on one channel, as it stands for a recipient."""

    topic: str
    channel: str
    purpose: str
    subscribed: bool
    pending: bool
    changed_at: str | None


class ConsentView(TypedDict):
    """One entry of the ledger."""

    id: str
    at: str
    topic: str | None
    channel: str | None
    subscribed: bool
    source: str
    wording: str | None
    locale: str | None
    policy_version: str | None
    message_id: str | None


class RecipientView(TypedDict):
    """A recipient's profile, decrypted for the caller who may see it."""

    id: str
    email: str | None
    phone: str | None
    name: str | None
    locale: str | None
    country: str | None
    timezone: str | None
    customer_since: str | None
    attributes: dict[str, Any]
    created_at: str
    updated_at: str


class SuppressionView(TypedDict):
    """An address that is barred. `address` is masked; `until` is None where it has no end."""

    id: str
    channel: str
    address: str
    scope: str
    reason: str
    created_at: str
    until: str | None


class CampaignView(TypedDict):
    """A campaign with its progress: `total`, `pending` and a count for each message status that occurs.

    `content` and `audience` are as the caller wrote them. All but `total` add up to it.
    """

    id: str
    name: str
    topic: str
    channels: list[str]
    template: str
    content: dict[str, Any]
    audience: dict[str, Any] | None
    throttle: int | None
    test: bool
    status: str
    reason: str | None
    send_at: str | None
    timezone: str | None
    send_past: bool
    expires_at: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    progress: dict[str, int]


class SmsTextView(TypedDict):
    """One language's SMS: as to somebody of whom nothing is known, and its segments at most."""

    characters: int
    encoding: str
    segments: int
    most_segments: int
    culprits: list[str]


class CountryEstimateView(TypedDict):
    """The SMS to one country."""

    country: str | None
    messages: int
    segments: int
    price: dict[str, str] | None


class SmsEstimateView(TypedDict):
    """What the SMS of a campaign come to, at most where they are not `exact`."""

    texts: dict[str, SmsTextView]
    countries: list[CountryEstimateView]
    messages: int
    segments: int
    price: dict[str, str] | None
    exact: bool


class ChannelEstimateView(TypedDict):
    """Whom a campaign goes to on one channel, and how many it leaves out, by reason."""

    eligible: int
    left_out: dict[str, int]


class EstimateView(TypedDict):
    """Whom a campaign reaches by channel, and what its SMS cost; None if it has none."""

    recipients: dict[str, ChannelEstimateView]
    sms: SmsEstimateView | None


class SentTestsView(TypedDict):
    """The messages that a campaign's test made, in the order of the addresses and channels."""

    messages: list[MessageSummary]


class Page(TypedDict):
    """One page of a list; `next_cursor` is None on the last."""

    items: list[Any]
    next_cursor: str | None
