"""SendGrid's event webhook: its signature, and its words in ours."""

import base64
import json
import logging
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

from notify.domain.errors import ConfigurationError
from notify.domain.events import LONGEST_EVENT_ID, EventKind, ProviderEvent
from notify.domain.webhook_posts import MalformedPostError, SignedPost
from notify.providers.keys import keys_in
from notify.providers.reasons import without_personal_data

_log = logging.getLogger(__name__)

PROVIDER: Final = "sendgrid"
SIGNATURE_HEADER: Final = "x-twilio-email-event-webhook-signature"
TIMESTAMP_HEADER: Final = "x-twilio-email-event-webhook-timestamp"

KINDS: Final[Mapping[str, EventKind]] = {
    "processed": EventKind.PROCESSED,
    "deferred": EventKind.DEFERRED,
    "delivered": EventKind.DELIVERED,
    "bounce": EventKind.BOUNCED,
    "dropped": EventKind.DROPPED,
    "spamreport": EventKind.COMPLAINED,
    "unsubscribe": EventKind.UNSUBSCRIBED,
    "group_unsubscribe": EventKind.UNSUBSCRIBED,
    # It takes back an opt-out made at SendGrid; ours are undone only by the person, here.
    "group_resubscribe": EventKind.UNKNOWN,
    "open": EventKind.OPENED,
    "click": EventKind.CLICKED,
    # The account's own, without a message.
    "account_status_change": EventKind.UNKNOWN,
}
"""SendGrid's words (twilio.com/docs/sendgrid/for-developers/tracking-events/event)."""

BOUNCE_TYPES: Final[Mapping[str, bool]] = {
    # Refused for good: SendGrid puts the address on its own bounce list.
    "bounce": True,
    # Refused for this message's or this moment's sake.
    "blocked": False,
}
"""Whether a bounce of that type is hard."""

DROP_REASONS: Final[Mapping[str, bool]] = {
    "bounced address": True,
    "invalid": True,
    "spam content": False,
    "invalid smtpapi header": False,
    "recipient list over package quota": False,
}
"""Whether the address is to blame, by SendGrid's reason in lower case."""

DROPPED_BECAUSE: Final[Mapping[str, EventKind]] = {
    "unsubscribed address": EventKind.UNSUBSCRIBED,
    "spam reporting address": EventKind.COMPLAINED,
}
"""What the person did before, for which SendGrid bars the address still; by its reason in lower case."""

_MESSAGE_REF: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_WORD: Final = re.compile(r"[a-z_]{1,40}")
_SERVER: Final = re.compile(r"\.(?=filter|recv)")
_LONGEST_ID: Final = 100


class SendGridEvents:
    """The event webhook as a source of events."""

    def __init__(self, public_keys: str | None) -> None:
        """Commas separate keys, of which any will do; without one no post is genuine.

        ConfigurationError if one is none.
        """
        self._public_keys = keys_in(public_keys)
        for key in self._public_keys:
            load_key(key)

    def is_genuine(self, post: SignedPost) -> bool:
        """Whether SendGrid signed the post; never raises."""
        signature, timestamp = (post.headers.get(name, "") for name in (SIGNATURE_HEADER, TIMESTAMP_HEADER))
        return any(verify(key, signature, timestamp, post.body) for key in self._public_keys)

    def text_of(self, post: SignedPost) -> str:
        """Return the body; MalformedPostError if it is no array."""
        try:
            text = post.body.decode()
        except UnicodeDecodeError:
            raise MalformedPostError("not UTF-8") from None
        _items(text)
        return text

    def events_in(self, text: str, received_at: datetime) -> Sequence[ProviderEvent]:
        """Translate what was kept; MalformedPostError."""
        return parse(text, received_at)


def verify(public_key: str, signature: str, timestamp: str, raw: bytes) -> bool:
    """Whether SendGrid signed exactly these bytes at that timestamp: ECDSA over P-256 with SHA-256.

    `public_key` is base64 as SendGrid shows it, or PEM; ConfigurationError if it is neither. The age of the
    timestamp does not matter: posts are retried for a day, and events have ids.
    """
    key = load_key(public_key)
    try:
        key.verify(base64.b64decode(signature, validate=True), timestamp.encode() + raw, ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


@lru_cache(maxsize=8)
def load_key(text: str) -> EllipticCurvePublicKey:
    """Read SENDGRID_WEBHOOK_PUBLIC_KEY; ConfigurationError if it is no P-256 key."""
    try:
        if "BEGIN" in text:
            key = load_pem_public_key(text.replace("\\n", "\n").encode())
        else:
            key = load_der_public_key(base64.b64decode("".join(text.split()), validate=True))
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise ConfigurationError(
            "SENDGRID_WEBHOOK_PUBLIC_KEY must be the verification key that SendGrid shows under Settings,"
            " Mail Settings, Signed Event Webhook Requests."
        )
    return key


def parse(raw: bytes | str, received_at: datetime) -> Sequence[ProviderEvent]:
    """Translate a post; MalformedPostError unless it is a JSON array. What is no event in it is left out.

    `received_at` stands for the time of an event that has none.
    """
    items = _items(raw)
    events = [_event(item, received_at) for item in items if isinstance(item, dict)]
    if len(events) < len(items):
        _log.warning("sendgrid: %d items of a post are no events", len(items) - len(events))
    return events


def _event(item: Mapping[str, Any], received_at: datetime) -> ProviderEvent:
    word = item.get("event")
    kind = KINDS.get(word) if isinstance(word, str) else None
    if kind is None:
        shown = word if isinstance(word, str) and _WORD.fullmatch(word) else "one that is no word"
        _log.warning("sendgrid: unknown event: %s", shown)
        kind = EventKind.UNKNOWN
    ref, theirs = item.get("message_id"), item.get("sg_message_id")
    return ProviderEvent(
        provider=PROVIDER,
        event_id=_event_id(item),
        kind=kind,
        at=_at(item.get("timestamp"), received_at),
        message_ref=ref if isinstance(ref, str) and _MESSAGE_REF.fullmatch(ref) else None,
        provider_message_id=_call_id(theirs) if isinstance(theirs, str) else None,
        detail=_detail(item, kind),
        hard=_hard(item, kind),
        because=DROPPED_BECAUSE.get(_reason(item)) if kind is EventKind.DROPPED else None,
    )


def _event_id(item: Mapping[str, Any]) -> str:
    """Return SendGrid's id; where there is none that will do, a digest of the event."""
    given = item.get("sg_event_id")
    if isinstance(given, str) and 0 < len(given) <= LONGEST_EVENT_ID and given.isprintable():
        return given
    return sha256(orjson.dumps(item, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _call_id(text: str) -> str | None:
    """Return the X-Message-Id of the call: what stands before the name of a server of theirs."""
    return _SERVER.split(text, maxsplit=1)[0][:_LONGEST_ID] or None


def _at(given: object, otherwise: datetime) -> datetime:
    """Read seconds since 1970."""
    if isinstance(given, bool) or not isinstance(given, int | float):
        return otherwise
    try:
        return datetime.fromtimestamp(given, UTC)
    except (ValueError, OverflowError, OSError):
        return otherwise


def _detail(item: Mapping[str, Any], kind: EventKind) -> str | None:
    """Return what the far side, or SendGrid, said; nothing of people who read or click."""
    if kind not in {EventKind.BOUNCED, EventKind.DROPPED, EventKind.DEFERRED}:
        return None
    said = [item.get("status"), item.get("reason") or item.get("response")]
    texts = [one for one in said if isinstance(one, str) and one]
    if len(texts) > 1 and texts[0] in texts[1]:
        del texts[0]
    address = item.get("email")
    known = (address,) if isinstance(address, str) else ()
    return without_personal_data(" ".join(texts), *known) or None


def _hard(item: Mapping[str, Any], kind: EventKind) -> bool | None:
    if kind is EventKind.BOUNCED:
        return BOUNCE_TYPES.get(str(item.get("type")).lower())
    if kind is EventKind.DROPPED:
        return DROP_REASONS.get(_reason(item))
    return False if kind is EventKind.DEFERRED else None


def _reason(item: Mapping[str, Any]) -> str:
    return str(item.get("reason")).strip().lower()


def _items(raw: bytes | str) -> list[Any]:
    """Read the array that a post is; MalformedPostError."""
    try:
        items = _loaded(raw)
    except (ValueError, RecursionError):
        raise MalformedPostError("not JSON") from None
    if not isinstance(items, list):
        raise MalformedPostError("not an array of events")
    return items


def _loaded(raw: bytes | str) -> Any:  # noqa: ANN401 - JSON
    """Read JSON, also with half a surrogate pair in a text, as mail servers write them.

    ValueError, or RecursionError where it is nested deeper than anything is read.
    """
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        whole = json.dumps(json.loads(raw), ensure_ascii=False)
        return orjson.loads(whole.encode("utf-8", "replace"))
