"""Twilio's delivery receipts: their signature, and their words in ours."""

import hmac
import logging
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from twilio.request_validator import (  # type: ignore[import-untyped]
    RequestValidator,
    add_port,
    remove_port,
)

from notify.domain.events import LONGEST_EVENT_ID, EventKind, ProviderEvent
from notify.domain.webhook_posts import MalformedPostError, SignedPost
from notify.providers.keys import keys_in

_log = logging.getLogger(__name__)

PROVIDER: Final = "twilio"
SIGNATURE_HEADER: Final = "x-twilio-signature"
MESSAGE_PARAMETER: Final = "message"
"""Of the address that receipts are posted to: our public id of the message."""
_OURS: Final = "_notify_message"
"""The same in what is kept of a post."""
_FORM: Final = "application/x-www-form-urlencoded"
_BODY_HASH: Final = "bodySHA256"

KINDS: Final[Mapping[str, EventKind]] = {
    "accepted": EventKind.PROCESSED,
    "scheduled": EventKind.PROCESSED,
    "queued": EventKind.PROCESSED,
    "sending": EventKind.PROCESSED,
    "sent": EventKind.SENT,
    "delivered": EventKind.DELIVERED,
    "read": EventKind.OPENED,
    "undelivered": EventKind.FAILED,
    "failed": EventKind.FAILED,
    "canceled": EventKind.FAILED,
    "delivery_unknown": EventKind.UNKNOWN,
    "partially_delivered": EventKind.UNKNOWN,
    # Of messages that come in.
    "receiving": EventKind.UNKNOWN,
    "received": EventKind.UNKNOWN,
}
"""Twilio's words (twilio.com/docs/messaging/api/message-resource, the enum of `status`)."""

HARD: Final[Mapping[int, bool]] = {
    21211: True,  # invalid 'To' number
    21614: True,  # not a mobile number
    21635: True,  # a landline
    30005: True,  # unknown destination handset
    30006: True,  # landline or unreachable carrier
    30001: False,  # queue overflow
    30002: False,  # our account is suspended
    30003: False,  # unreachable handset: switched off, or abroad
    30004: False,  # blocked by the carrier or the person, for this sender
    30007: False,  # filtered for its content
    30008: False,  # unknown error
    30036: False,  # its validity ended
    30500: False,  # Twilio's internal error
}
"""Whether the number is bad for good, by error code (twilio.com/docs/api/errors). Of others nobody knows."""

STOPPED: Final = 21610
"""The error code that says that the person replied STOP to this sender; the number itself is fine."""

SID: Final = re.compile(r"[A-Za-z0-9]{2,64}")
_WORD: Final = re.compile(r"[a-z_]{1,40}")


class TwilioReceipts:
    """The status callbacks as a source of events."""

    def __init__(self, auth_tokens: str | None, public_url: str) -> None:
        """Commas separate tokens, of which any will do; without one no post is genuine.

        `public_url` is where Twilio reaches us: it signs that, which proxies change on the way.
        """
        self._auth_tokens = keys_in(auth_tokens)
        self._public_url = public_url

    def is_genuine(self, post: SignedPost) -> bool:
        """Whether Twilio signed the post; never raises."""
        signature, kind = post.headers.get(SIGNATURE_HEADER, ""), post.headers.get("content-type", "")
        url = self._public_url + post.path
        return any(verify(token, url, signature, post.body, kind) for token in self._auth_tokens)

    def text_of(self, post: SignedPost) -> str:
        """Return the body, with the message that the address names.

        MalformedPostError if it names no message of Twilio's and its status.
        """
        try:
            text = post.body.decode()
        except UnicodeDecodeError:
            raise MalformedPostError("not UTF-8") from None
        _sid_and_status(_fields(text))
        named = parse_qs(urlsplit(post.path).query).get(MESSAGE_PARAMETER, [""])[0]
        return f"{text}&{urlencode({_OURS: named})}" if named else text

    def events_in(self, text: str, received_at: datetime) -> Sequence[ProviderEvent]:
        """Translate what was kept; MalformedPostError."""
        # What we added comes last, and so counts even if Twilio should ever use that name.
        named = _fields(text).get(_OURS)
        return [event._replace(message_ref=named) for event in parse(text, received_at)]


def receipts_url(base: str, message_ref: str) -> str:
    """Return where receipts of one message are posted: they find it even if its call's answer was lost."""
    return f"{base}?{urlencode({MESSAGE_PARAMETER: message_ref})}"


class _Form:
    """A form with repeated names, as the SDK's validator wants it."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def __iter__(self) -> object:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def getlist(self, name: str) -> list[str]:
        """Return every value of a name."""
        return self._values[name]


def verify(auth_token: str, url: str, signature: str, raw: bytes, content_type: str) -> bool:
    """Whether Twilio signed this post to `url`, our public address with its query as it came in.

    A form is signed with the URL, whatever its fields; any other body by the hash that the URL then carries
    (twilio.com/docs/usage/webhooks/webhooks-security). Twilio signs with or without the port.
    """
    parts = urlsplit(url)
    try:
        if content_type.partition(";")[0].strip().lower() == _FORM:
            params = _Form(parse_qsl(raw.decode(), keep_blank_values=True, errors="strict"))
        else:
            params = _Form(())
            # The SDK would take a body without that hash for an empty form, whatever it says.
            stated = parse_qs(parts.query).get(_BODY_HASH, [""])[0]
            if not hmac.compare_digest(stated.lower().encode(), sha256(raw).hexdigest().encode()):
                return False
        validator = RequestValidator(auth_token)
        candidates = [
            validator.compute_signature(one, params) for one in (remove_port(parts), add_port(parts))
        ]
    except ValueError:
        return False
    given = signature.encode()
    return any(hmac.compare_digest(one.encode(), given) for one in candidates)


def parse(text: str, received_at: datetime) -> Sequence[ProviderEvent]:
    """Translate a receipt, a form; MalformedPostError if it names no message and status.

    Receipts have no time of their own: `received_at` stands for it.
    """
    fields = _fields(text)
    sid, status = _sid_and_status(fields)
    return [event_of(sid, status, fields.get("ErrorCode"), received_at)]


def _fields(text: str) -> Mapping[str, str]:
    try:
        return dict(parse_qsl(text, keep_blank_values=True, errors="strict"))
    except ValueError:
        raise MalformedPostError("not a form") from None


def _sid_and_status(fields: Mapping[str, str]) -> tuple[str, str]:
    sid = fields.get("MessageSid") or fields.get("SmsSid") or ""
    status = fields.get("MessageStatus") or fields.get("SmsStatus") or ""
    if not SID.fullmatch(sid) or not status:
        raise MalformedPostError("not a delivery receipt")
    return sid, status


def event_of(sid: str, status: str, error_code: str | int | None, at: datetime) -> ProviderEvent:
    """Return a message's status as an event; the same status of the same message is the same event."""
    kind = KINDS.get(status)
    if kind is None:
        shown = status if _WORD.fullmatch(status) else "one that is no word"
        _log.warning("twilio: unknown status: %s", shown)
        kind = EventKind.UNKNOWN
    # Codes linger on statuses that are no failure.
    code = _code(error_code) if kind is EventKind.FAILED else None
    return ProviderEvent(
        provider=PROVIDER,
        event_id=f"{sid}:{status}"[:LONGEST_EVENT_ID],
        kind=kind,
        at=at,
        provider_message_id=sid,
        detail=f"{status} {code}" if code else None,
        hard=HARD.get(code) if code else None,
        stopped=code == STOPPED,
    )


def _code(given: str | int | None) -> int | None:
    text = str(given or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None  # noqa: PLR2004
