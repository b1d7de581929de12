"""What answers about campaigns look like."""

from typing import Annotated, Any

from pydantic import AwareDatetime, ConfigDict, Field

from notify.domain.campaigns import CampaignStatus, PauseReason
from notify.domain.catalogue import Channel
from notify.domain.status import Reason
from notify.web.api import campaign_examples
from notify.web.api.shapes import Id, ListAnswer, MessageInNotification, MoneyAnswer, Shape


class CampaignAnswer(Shape):
    """A campaign and how far it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [dict(campaign_examples.CAMPAIGN_ANSWER)]})

    id: Id
    name: str
    topic: str
    channels: list[Channel]
    template: str
    content: dict[str, Any]
    """As it was given."""
    audience: dict[str, Any] | None
    """As it was given; null is everyone who is subscribed."""
    throttle: int | None
    """Messages a minute at most."""
    test: bool
    """Whether a test key made it, so that its messages end in the outbox."""
    status: CampaignStatus
    reason: PauseReason | None
    """Why it stopped itself, of one that did."""
    send_at: str | None
    """As scheduled: in UTC, or without an offset where there is a `timezone`. Null is at once."""
    timezone: str | None
    send_past: bool
    expires_at: AwareDatetime | None
    """What has not left by then does not leave any more."""
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    finished_at: AwareDatetime | None
    progress: Annotated[dict[str, int], Field(json_schema_extra={"required": ["total", "pending"]})]
    """`total`; `pending`, those still to come; and how many messages there are in each status. The parts add
    up to the total at every moment. Before it starts, all are 0."""


class CampaignList(ListAnswer):
    """Campaigns, newest first."""

    items: list[CampaignAnswer]


class ReachAnswer(Shape):
    """Whom a campaign goes to on one channel."""

    eligible: int
    left_out: dict[Reason, int]
    """How many of the audience it does not go to, by reason."""


class SmsTextAnswer(Shape):
    """One language's SMS, as to somebody of whom nothing is known."""

    characters: int
    encoding: Annotated[str, Field(json_schema_extra={"enum": ["GSM-7", "UCS-2"]})]
    segments: int
    most_segments: int
    """With the longest that is shown of a name and of each attribute."""
    culprits: list[str]
    """The characters that force the dearer encoding."""


class CountryCostAnswer(Shape):
    """The SMS to one country."""

    country: str | None
    messages: int
    segments: int
    price: MoneyAnswer | None
    """Null where `SMS_PRICES` has none."""


class SmsCostAnswer(Shape):
    """What the SMS come to."""

    texts: dict[str, SmsTextAnswer]
    """By language."""
    countries: list[CountryCostAnswer]
    messages: int
    segments: int
    price: MoneyAnswer | None
    """Null where a country has none."""
    exact: bool
    """False where it can be less: texts say something of each person."""


class EstimateAnswer(Shape):
    """Whom a campaign reaches, by channel, and what its SMS cost."""

    model_config = ConfigDict(json_schema_extra={"examples": [dict(campaign_examples.ESTIMATE_ANSWER)]})

    recipients: dict[Channel, ReachAnswer]
    sms: SmsCostAnswer | None


class SentTestsAnswer(Shape):
    """The messages of a test, in the order of the addresses."""

    messages: list[MessageInNotification]
