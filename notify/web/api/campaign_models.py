"""What callers send about campaigns, as typed models. Content in outline: templates know the rest."""

import re
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema

from notify.domain.audience import MAX_CONDITIONS, MAX_LIST, Op
from notify.domain.campaigns import MAX_TEST_ADDRESSES, RECIPIENT_ZONE
from notify.domain.catalogue import LOCALES
from notify.domain.recipient_ids import address_in
from notify.usecases.campaigns.checking import MAX_THROTTLE
from notify.web.api.fields import Channels, Line, Timestamp, WrittenLanguage, parse_timestamp, timezones
from notify.web.api.models import Given

_LOCAL: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d)?")


def _moment(value: object) -> datetime:
    """Parse a time with its offset, or a local one without: the schedule says which it must be."""
    if not isinstance(value, str) or not _LOCAL.fullmatch(value):
        return parse_timestamp(value)
    try:
        return datetime.fromisoformat(value.upper())
    except ValueError:
        raise ValueError("is not a time that exists") from None


def _zone(text: str) -> str:
    if text != RECIPIENT_ZONE and text not in timezones():
        raise ValueError('must be an IANA time zone, such as Africa/Dakar, or "recipient"')
    return text


def _no_addresses(value: object) -> object:
    """Refuse what no attribute and no id can be: it would be kept without being encrypted."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str | int) and (found := address_in(str(one))):
            message = f"looks like {found}; audiences are by attributes and ids, which hold none"
            raise ValueError(message)
    return value


_SINGLE: Final = {"type": ["string", "number", "boolean"]}
_TEXTS: Final = {
    "type": "object",
    "properties": {
        "subject": {"type": "string", "description": "The e-mail's subject, and its headline."},
        "preheader": {"type": "string", "description": "What a mail app shows behind the subject."},
        "body": {"type": "string", "description": "The e-mail in Markdown (CommonMark)."},
        "sms": {
            "type": "string",
            "description": "The SMS, without the shop's name and the link to unsubscribe.",
        },
    },
    "additionalProperties": False,
}

Content = Annotated[
    dict[str, Any],
    WithJsonSchema(
        {
            "type": "object",
            "properties": dict.fromkeys(LOCALES, _TEXTS),
            "required": ["fr"],
            "additionalProperties": False,
        }
    ),
]
Throttle = Annotated[int, Field(ge=1, le=MAX_THROTTLE)]
Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string"})]
Zone = Annotated[str, AfterValidator(_zone)]
TestAddress = Annotated[str, StringConstraints(min_length=1, max_length=320)]
OpName = Annotated[Op, Field(strict=False)]
ComparedWith = Annotated[
    Any,
    AfterValidator(_no_addresses),
    WithJsonSchema({"anyOf": [_SINGLE, {"type": "array", "items": _SINGLE, "maxItems": MAX_LIST}]}),
]


class ConditionGiven(Given):
    """One condition on what the shop knows of a recipient."""

    field: Annotated[Line, Field(examples=["attributes.loyalty", "country"])]
    """`id`, `locale`, `country`, `phone_country`, `timezone`, `customer_since`, or `attributes.` and a name;
    for `exists` also `email`, `phone` and `name`. `country` is the effective one."""
    op: Annotated[OpName, Field(examples=["in"])]
    """What is missing, or of another type, meets `ne` and `exists: false` only. Orders are of numbers and of
    dates."""
    value: Annotated[ComparedWith, Field(examples=[["gold", "silver"], True])]
    """A list for `in`, true or false for `exists`."""


class AudienceGiven(Given):
    """Who is meant, of those who are subscribed to the topic: who meets all conditions."""

    all: Annotated[list[ConditionGiven], Field(max_length=MAX_CONDITIONS)] = Field(default_factory=list)
    failed_in: Annotated[Line | None, Field(examples=["cmp_7"])] = None
    """Only those whose message of this campaign `failed` or `expired`."""


class CampaignGiven(Given):
    """One newsletter to many recipients."""

    name: Annotated[Line, Field(examples=["Thursday's newsletter"])]
    """For those who work with it; recipients never see it."""
    topic: Annotated[Line, Field(examples=["company_news"])]
    """A marketing topic, see `GET /v1/topics`: what recipients are subscribed to, and unsubscribe from."""
    channels: Channels
    template: Annotated[Line, Field(examples=["newsletter"])] = "newsletter"
    """One of those whose `topic` is null in `GET /v1/templates`."""
    content: Content
    """Its texts by language. French is required, and is what a missing language falls back to. `data_schema`
    of the template says what one language holds."""
    audience: AudienceGiven | None = None
    """Everyone who is subscribed, when absent."""
    throttle: Throttle | None = None
    """Messages a minute at most; as fast as the provider takes them, when absent."""
    expires_at: Timestamp | None = None
    """What has not left by then does not leave any more; nothing expires, when absent."""


class CampaignChangesGiven(Given):
    """What is changed of a campaign: what is given replaces what was, as a whole; the rest stays."""

    name: Line = Field(default_factory=str)
    topic: Line = Field(default_factory=str)
    channels: Channels = Field(default_factory=list)
    template: Line = Field(default_factory=str)
    content: Content = Field(default_factory=dict)
    audience: AudienceGiven | None = None
    """Null means everyone who is subscribed."""
    throttle: Throttle | None = None
    """Null means no limit."""
    expires_at: Timestamp | None = None
    """Null means never."""


class ScheduleGiven(Given):
    """When to send it."""

    send_at: Annotated[
        Moment | None, Field(examples=["2026-12-01T10:00:00+00:00", "2026-12-01T10:00:00"])
    ] = None
    """At once when absent or past. With its offset (RFC 3339); without one, where there is a `timezone`."""
    timezone: Annotated[Zone | None, Field(examples=["Europe/Paris", "recipient"])] = None
    """Whose clock `send_at` is by: an IANA time zone, or `recipient` for everyone's own (else that of the
    country, else Europe/Paris)."""
    send_past: bool = False
    """With `recipient`: send it at once to those whose hour is past. They are skipped, `too_late`, else."""


class TestSend(Given):
    """Where to send a test to."""

    to: Annotated[list[TestAddress], Field(min_length=1, max_length=MAX_TEST_ADDRESSES)] = Field(
        examples=[["awa.diop@example.com"]]
    )
    """E-mail addresses, and phone numbers in international form (+221…)."""
    locale: Annotated[WrittenLanguage, Field(examples=["fr"])] = "fr"
