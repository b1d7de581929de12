"""What answers look like, as models: the description of `notify.domain.views` for those who call us."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from notify.domain.catalogue import Channel, Purpose
from notify.domain.status import Reason, Status
from notify.web.api import examples

Id = Annotated[str, Field(description="Opaque.")]


class Shape(BaseModel):
    """What all answers share."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


def _shown(example: Mapping[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [dict(example)]})


class MessageInNotification(Shape):
    """A message inside its notification's answer."""

    id: Id
    channel: Channel
    status: Status
    reason: Reason | None
    """Why it was skipped or is held."""


class NotificationAnswer(Shape):
    """A notification and where its messages are. Its status is that of its least advanced message."""

    model_config = _shown(examples.NOTIFICATION_ANSWER)

    id: Id
    status: Status
    template: str
    reference: str | None
    recipient_id: str
    created_at: AwareDatetime
    send_at: AwareDatetime | None
    expires_at: AwareDatetime | None
    messages: list[MessageInNotification]


class AttemptAnswer(Shape):
    """One try to hand a message to a provider."""

    at: AwareDatetime
    provider: str
    outcome: str
    """`accepted`, `refused`, `transient` or `unknown`."""
    detail: str | None
    duration_ms: int | None


class EventAnswer(Shape):
    """What the provider reported later."""

    at: AwareDatetime
    type: str
    detail: str | None


class BasisAnswer(Shape):
    """Why did I get this? The regime that applied and the ledger entry it rests on."""

    regime: str | None
    consent_id: str | None


class MessageAnswer(Shape):
    """One message in full."""

    model_config = _shown(examples.MESSAGE_ANSWER)

    id: Id
    notification_id: str | None
    """What it belongs to: a notification, or a campaign."""

    campaign_id: str | None
    recipient_id: str | None
    """None for a test of a campaign, which goes to an address and to no recipient."""

    channel: Channel
    topic: str
    template: str | None
    status: Status
    reason: Reason | None
    detail: str | None
    explanation: str
    """The status in one sentence."""
    provider: str | None
    provider_message_id: str | None
    created_at: AwareDatetime
    scheduled_for: AwareDatetime | None
    next_attempt_at: AwareDatetime | None
    """When it will be tried again, if it will."""
    sent_at: AwareDatetime | None
    expires_at: AwareDatetime | None
    test: bool
    """Whether a test key asked for it, so that it ends in the outbox."""
    basis: BasisAnswer
    attempts: list[AttemptAnswer]
    events: list[EventAnswer]


class PreferenceAnswer(Shape):
    """One topic on one channel, as it stands for a recipient."""

    model_config = _shown(examples.PREFERENCE_ANSWER)

    topic: str
    channel: Channel
    purpose: Purpose
    subscribed: bool
    pending: bool
    """Whether it is wanted, and counts once the person has confirmed it."""
    changed_at: AwareDatetime | None
    """Null where the person never chose."""


class PreferencesAnswer(Shape):
    """Every topic on every channel, as it stands for a recipient."""

    preferences: list[PreferenceAnswer]


class ConsentAnswer(Shape):
    """One entry of the ledger."""

    model_config = _shown(examples.CONSENT_ANSWER)

    id: Id
    at: AwareDatetime
    topic: str | None
    channel: Channel | None
    subscribed: bool
    source: str
    wording: str | None
    locale: str | None
    policy_version: str | None
    message_id: str | None
    """The message that led to it."""


class RecipientAnswer(Shape):
    """A recipient's profile."""

    model_config = _shown(examples.RECIPIENT_ANSWER)

    id: str
    email: str | None
    phone: str | None
    name: str | None
    locale: str | None
    country: str | None
    timezone: str | None
    customer_since: str | None
    attributes: dict[str, Any]
    created_at: AwareDatetime
    updated_at: AwareDatetime


class TopicAnswer(Shape):
    """What messages are about, and what one unsubscribes from. Texts are by locale."""

    name: str
    purpose: Purpose
    title: dict[str, str]
    description: dict[str, str]
    frequency: dict[str, str]


class TemplateAnswer(Shape):
    """What can be sent."""

    name: str
    topic: str | None
    """What a notification with it is about; null for a template of campaigns, which takes the campaign's."""
    purpose: Purpose
    channels: list[Channel]
    locales: list[str]
    data_schema: dict[str, Any]
    """JSON Schema of a notification's `data`, or of a campaign's content in one language."""
    expires_after: int | None
    """Seconds after which it no longer makes sense; null: the service's own limit."""
    supersedes: list[str]
    """Templates whose waiting messages of the same reference it drops."""


class EmailPreview(Shape):
    """A rendered e-mail."""

    subject: str
    html: str
    text: str


class MoneyAnswer(Shape):
    """An amount of money."""

    amount: str
    """In decimal notation."""
    currency: str


class SmsPreview(Shape):
    """A rendered SMS and how it is billed."""

    text: str
    encoding: Annotated[str, Field(json_schema_extra={"enum": ["GSM-7", "UCS-2"]})]
    characters: int
    segments: int
    culprits: list[str]
    """The characters that force the dearer encoding."""
    price: MoneyAnswer | None
    """To the `country` that was asked for; null where `SMS_PRICES` has none for it."""


class PreviewAnswer(Shape):
    """How a template looks; null for a channel it has no text for."""

    email: EmailPreview | None
    sms: SmsPreview | None


class FieldProblemAnswer(Shape):
    """One thing that is wrong. It has a `pointer` into the body, or names a `parameter`."""

    pointer: str | None = None
    """JSON Pointer (RFC 6901) into the body."""
    parameter: str | None = None
    """Name of a query parameter, a path parameter or a header."""
    detail: str


class Problem(Shape):
    """What went wrong, as RFC 9457 (application/problem+json) says it."""

    type: str
    """A URI reference that names the kind of problem, and where to read about it."""
    title: str
    status: int
    detail: str
    errors: list[FieldProblemAnswer] | None = None
    """Everything that is wrong, where the fields are to blame."""
    request_id: str | None = None
    """Quote it when asking for help: the logs know it."""


class BatchResult(Shape):
    """What became of one notification of a batch: `notification` with status 202, or `error` with 422."""

    status: int
    notification: NotificationAnswer | None = None
    error: Problem | None = None


class BatchAnswer(Shape):
    """What became of each notification of a batch, in order."""

    results: list[BatchResult]


class ListAnswer(Shape):
    """What all lists share."""

    next_cursor: str | None
    """Give it as `cursor` to get the next page; null on the last."""


class NotificationList(ListAnswer):
    """Notifications, newest first."""

    items: list[NotificationAnswer]


class MessageList(ListAnswer):
    """Messages, newest first."""

    items: list[MessageAnswer]


class RecipientList(ListAnswer):
    """Recipients."""

    items: list[RecipientAnswer]


class ConsentList(ListAnswer):
    """The ledger of one person, oldest first."""

    items: list[ConsentAnswer]


class TopicList(ListAnswer):
    """Topics, as declared."""

    items: list[TopicAnswer]


class TemplateList(ListAnswer):
    """Templates, by name."""

    items: list[TemplateAnswer]


class ExportAnswer(BaseModel):
    """All that is held on a person; its parts are named by what they hold."""

    model_config = ConfigDict(extra="allow")
