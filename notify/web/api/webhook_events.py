"""What webhook endpoints are told, as the description of the API has it (OpenAPI 3.1, `webhooks`)."""

from collections.abc import Mapping
from typing import Any, Final

from notify.domain.catalogue import Channel
from notify.domain.outbound import (
    ADDRESS_DISPUTED,
    MESSAGE_TYPES,
    PING,
    PREFERENCE_CHANGED,
    RECIPIENT_ERASED,
)
from notify.domain.status import Reason
from notify.web.api.fields import one_of

_Schema = Mapping[str, Any]

_ID: Final[_Schema] = {"type": "string"}
_ID_OR_NULL: Final[_Schema] = {"type": ["string", "null"]}
_CHANNEL: Final = one_of(Channel)
_HEADERS: Final[Mapping[str, str]] = {
    "webhook-id": "The event's id: the same at every try.",
    "webhook-timestamp": "When this try was made, in seconds since 1970.",
    "webhook-signature": "`v1,` and the base64 of HMAC-SHA-256 over `id.timestamp.body`.",
}
_TOLD: Final = "Any 2xx takes it; whatever else is answered, it is told again for a day."

_PREFERENCE: Final[_Schema] = {
    "recipient_id": _ID,
    "topic": _ID,
    "channel": _CHANNEL,
    "subscribed": {"type": "boolean"},
    "source": {"type": "string"},
    "consent_id": _ID,
    "message_id": _ID_OR_NULL,
}


def _message(event_type: str) -> _Schema:
    return {
        "message_id": _ID,
        "notification_id": _ID_OR_NULL,
        "campaign_id": _ID_OR_NULL,
        "recipient_id": _ID_OR_NULL,
        "channel": _CHANNEL,
        "topic": _ID,
        "reference": _ID_OR_NULL,
        "status": {"const": event_type.partition(".")[2]},
        "reason": {"enum": [*Reason, None]},
    }


_DATA: Final[Mapping[str, tuple[str, _Schema]]] = {
    **{
        event_type: (f"A message is {event_type.partition('.')[2]}", _message(event_type))
        for event_type in MESSAGE_TYPES
    },
    PREFERENCE_CHANGED: ("A preference has changed", _PREFERENCE),
    ADDRESS_DISPUTED: ("Somebody said “this is not me”", {"recipient_id": _ID, "channel": _CHANNEL}),
    RECIPIENT_ERASED: ("A person was erased", {"recipient_id": _ID}),
    PING: ("You asked for a ping", {"endpoint_id": _ID}),
}


def described_events() -> dict[str, Any]:
    """Return the `webhooks` of the description: one for each type of event."""
    return {
        event_type: {"post": _described(event_type, summary, data)}
        for event_type, (summary, data) in _DATA.items()
    }


def _described(event_type: str, summary: str, data: _Schema) -> dict[str, Any]:
    body = {
        "type": {"const": event_type},
        "timestamp": {"type": "string", "format": "date-time"},
        "data": _object(data),
    }
    return {
        "summary": summary,
        "description": _TOLD,
        "parameters": [
            {
                "name": name,
                "in": "header",
                "required": True,
                "description": text,
                "schema": {"type": "string"},
            }
            for name, text in _HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _object(body)}}},
        "responses": {
            "2XX": {"description": "Taken."},
            "410": {"description": "Tell this endpoint no more."},
        },
    }


def _object(properties: _Schema) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }
