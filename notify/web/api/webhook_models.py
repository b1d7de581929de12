"""What is sent and answered about webhook endpoints."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, StringConstraints, WithJsonSchema

from notify.domain.outbound import ANY_MESSAGE, EVENT_TYPES, EVERYTHING
from notify.domain.webhook_signatures import key_of
from notify.domain.webhook_urls import LONGEST_URL
from notify.web.api.fields import Line, Timestamp, one_of
from notify.web.api.models import Given
from notify.web.api.shapes import Id, ListAnswer, Shape

_KNOWN: Final = (EVERYTHING, ANY_MESSAGE, *EVENT_TYPES)
_MOST_EVENTS: Final = 50

ENDPOINT: Final[Mapping[str, Mapping[str, Any]]] = {
    "Told everything": {"url": "https://shop.example.com/hooks/notify"},
    "Told what came of messages": {
        "url": "https://shop.example.com/hooks/notify?of=messages",
        "events": ["message.delivered", "message.failed", "message.bounced"],
        "description": "order system",
    },
}
REPLAY: Final[Mapping[str, Mapping[str, Any]]] = {
    "What was missed": {"since": "2026-11-23T08:00:00Z", "failed_only": True},
    "All changes of preferences in an hour": {
        "since": "2026-11-23T08:00:00Z",
        "until": "2026-11-23T09:00:00Z",
        "types": ["preference.changed"],
    },
}
_ENDPOINT_ANSWER: Final[Mapping[str, Any]] = {
    "id": "whe_1",
    "url": "https://shop.example.com/hooks/notify",
    "events": ["*"],
    "description": None,
    "created_at": "2026-11-23T10:00:00.000Z",
    "failing_since": None,
    "disabled_at": None,
    "disabled_because": None,
}
_DELIVERY_ANSWER: Final[Mapping[str, Any]] = {
    "id": "whd_7",
    "endpoint_id": "whe_1",
    "event_id": "evt_5",
    "type": "message.delivered",
    "at": "2026-11-23T10:00:00.000Z",
    "status": "waiting",
    "attempts": 1,
    "answer": 503,
    "detail": None,
    "next_attempt_at": "2026-11-23T10:00:05.000Z",
    "ended_at": None,
}


def _event(text: str) -> str:
    if text not in _KNOWN:
        message = f"must be one of {', '.join(_KNOWN)}"
        raise ValueError(message)
    return text


def _secret(text: str) -> str:
    key_of(text)
    return text


EventName = Annotated[str, AfterValidator(_event), WithJsonSchema(one_of(_KNOWN))]
Secret = Annotated[
    str,
    AfterValidator(_secret),
    WithJsonSchema({"type": "string", "pattern": "^whsec_[A-Za-z0-9+/]+={0,2}$"}),
]


class EndpointGiven(Given):
    """An address that is to be told what happens."""

    url: Annotated[
        str,
        StringConstraints(min_length=1, max_length=LONGEST_URL),
        Field(examples=["https://shop.example.com/hooks/notify"]),
    ]
    """`https://`, and a host of the public internet."""
    events: Annotated[list[EventName], Field(min_length=1, max_length=_MOST_EVENTS)] = Field(
        default_factory=lambda: [EVERYTHING]
    )
    """What it is told; `*` is everything, that of later versions included."""
    description: Annotated[Line | None, Field(examples=["order system"])] = None
    secret: Secret | None = None
    """What signs: `whsec_` and base64 of 24 to 64 bytes. Made here when absent."""


class SecretGiven(Given):
    """A secret to sign with from now on."""

    secret: Secret | None = None
    """Made here when absent."""


class ReplayGiven(Given):
    """What is to be told again."""

    since: Timestamp
    until: Timestamp | None = None
    """Now, when absent."""
    types: Annotated[list[EventName], Field(min_length=1, max_length=_MOST_EVENTS)] | None = None
    """All that the endpoint listens to, when absent."""
    failed_only: bool = False
    """Only what was given up."""


class EndpointAnswer(Shape):
    """A webhook endpoint."""

    model_config = ConfigDict(json_schema_extra={"examples": [dict(_ENDPOINT_ANSWER)]})

    id: Id
    url: str
    events: list[str]
    description: str | None
    created_at: AwareDatetime
    failing_since: AwareDatetime | None
    """The first failure after the last success. After five days it is disabled."""
    disabled_at: AwareDatetime | None
    disabled_because: str | None


class EndpointWithSecretAnswer(EndpointAnswer):
    """A webhook endpoint and its secret, which is shown this once."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{**_ENDPOINT_ANSWER, "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}]
        }
    )

    secret: str


class EndpointList(ListAnswer):
    """Webhook endpoints, oldest first."""

    items: list[EndpointAnswer]


class DeliveryAnswer(Shape):
    """One event on its way to one endpoint."""

    model_config = ConfigDict(json_schema_extra={"examples": [dict(_DELIVERY_ANSWER)]})

    id: Id
    endpoint_id: Id
    event_id: Id
    """The `webhook-id` header: the same at every try."""
    type: str
    at: AwareDatetime
    """When it happened."""
    status: Literal["waiting", "delivered", "given_up"]
    attempts: int
    answer: int | None
    """The HTTP status of the last try; null if none came."""
    detail: str | None
    """What was wrong, where there was no answer."""
    next_attempt_at: AwareDatetime | None
    ended_at: AwareDatetime | None


class DeliveryList(ListAnswer):
    """Deliveries, newest first."""

    items: list[DeliveryAnswer]


class ReplayedAnswer(Shape):
    """How many events will be told again."""

    replayed: int
