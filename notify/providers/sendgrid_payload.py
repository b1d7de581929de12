"""The JSON of SendGrid's v3 mail/send: one part that a call's messages share, and one for each of them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import orjson

from notify.domain.mime import split_sender
from notify.domain.outgoing import OutgoingEmail

MOST_PERSONALIZATIONS: Final = 1_000
MOST_BYTES: Final = 30_000_000
MOST_SUBSTITUTION_BYTES: Final = 10_000
"""Of one personalization (tsg_mail_v3.yaml); beyond, a message goes alone, filled in."""

FORBIDDEN_HEADERS: Final = frozenset({
    "bcc", "cc", "content-transfer-encoding", "content-type", "dkim-signature", "from", "received",
    "reply-to", "subject", "to", "x-sg-eid", "x-sg-id",
})  # fmt: skip
"""Lower-case; mail/send refuses a call that sets one (tsg_mail_v3.yaml, personalizations.headers)."""

TRACKING_OFF: Final[Mapping[str, Mapping[str, bool]]] = {
    # Said each time: what is left out takes the account's default, and subscription tracking would put a
    # List-Unsubscribe of its own into the message.
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
    "ganalytics": {"enable": False},
}

_BEGIN: Final = b'{"personalizations":['


class UnencodableError(Exception):
    """A message cannot be written as JSON in UTF-8, as with half a surrogate pair."""


def shared_parts(message: OutgoingEmail) -> tuple[str | None, ...]:
    """Return what messages must have in common to go in one call."""
    return (message.sender, message.reply_to, message.subject, message.html, message.text)


def shared(message: OutgoingEmail) -> dict[str, Any]:
    """Return the part of a call that its messages have in common."""
    body: dict[str, Any] = {
        "from": _mailbox(message.sender),
        "subject": message.subject,
        "content": [
            # Plain text first: SendGrid refuses any other order.
            {"type": kind, "value": value}
            for kind, value in (("text/plain", message.text), ("text/html", message.html))
            if value
        ],
        "tracking_settings": TRACKING_OFF,
    }
    if message.reply_to:
        body["reply_to"] = _mailbox(message.reply_to)
    return body


def personalization(message: OutgoingEmail) -> dict[str, Any]:
    """Return the part of a call that is one message's own.

    Headers are whole, since substitutions do not reach them. `custom_args` come back in every event, and
    are kept for long: they hold an id only.
    """
    given = message.headers
    if FORBIDDEN_HEADERS.isdisjoint(map(str.lower, given)):
        headers = given if type(given) is dict else dict(given)
    else:
        headers = {name: value for name, value in given.items() if name.lower() not in FORBIDDEN_HEADERS}
    body: dict[str, Any] = {
        "to": [{"email": message.to}],
        "custom_args": {"message_id": message.message_ref},
    }
    if headers:
        body["headers"] = headers
    if message.substitutions:
        marks = message.substitutions
        body["substitutions"] = marks if type(marks) is dict else dict(marks)
    return body


def encode(content: Mapping[str, Any]) -> bytes:
    """Write JSON; UnencodableError."""
    try:
        return orjson.dumps(content)
    except (TypeError, ValueError):
        raise UnencodableError from None


def whole(shared_part: bytes, own_parts: Sequence[bytes]) -> bytes:
    """Join the encoded parts of one call."""
    return b"".join((_BEGIN, b",".join(own_parts), b"],", shared_part[1:]))


def fits(message: OutgoingEmail, own_part: bytes) -> bool:
    """Whether its substitutions are within SendGrid's limit. UnencodableError."""
    if len(own_part) <= MOST_SUBSTITUTION_BYTES:
        return True
    return len(encode(dict(message.substitutions))) <= MOST_SUBSTITUTION_BYTES


def calls_of(indices: Sequence[int], sizes: Mapping[int, int], shared_size: int) -> Iterator[list[int]]:
    """Divide messages alike into calls within SendGrid's limits; `sizes` are bytes of their own parts."""
    call: list[int] = []
    size = 0
    for index in indices:
        added = sizes[index] + 1
        too_large = shared_size + len(_BEGIN) + size + added > MOST_BYTES
        if call and (too_large or len(call) == MOST_PERSONALIZATIONS):
            yield call
            call, size = [], 0
        call.append(index)
        size += added
    if call:
        yield call


def _mailbox(text: str) -> dict[str, str]:
    name, address = split_sender(text)
    return {"email": address, "name": name} if name else {"email": address}
