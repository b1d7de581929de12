"""The webhooks for events: whose posts are genuine, by each of the keys set, and what they tell."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qs, urlencode

import orjson

from notify.domain.events import ProviderEvent
from notify.domain.webhook_posts import MalformedPostError, SignedPost
from notify.providers import sendgrid_events, twilio_events

MESSAGE_PARAMETER: Final = "message"
"""Of the address that Twilio posts receipts of one message to: our public id of it."""

_OURS: Final = "_notify_message"
"""The same in what is kept of a post."""


def keys_in(text: str | None) -> tuple[str, ...]:
    """Return the keys of a setting, separated by commas, so that an old one holds while a new one begins."""
    return tuple(key.strip() for key in (text or "").split(",") if key.strip())


class SendGridEvents:
    """Posts of SendGrid's signed event webhook."""

    def __init__(self, public_keys: Sequence[str]) -> None:
        """ConfigurationError if one is no key."""
        for key in public_keys:
            sendgrid_events.load_key(key)
        self._keys = public_keys

    def is_genuine(self, post: SignedPost) -> bool:
        """Whether one of the keys signed it."""
        signature = post.headers.get(sendgrid_events.SIGNATURE_HEADER, "")
        timestamp = post.headers.get(sendgrid_events.TIMESTAMP_HEADER, "")
        return any(sendgrid_events.verify(key, signature, timestamp, post.body) for key in self._keys)

    def text_of(self, post: SignedPost) -> str:
        """Return the body, if it is an array."""
        try:
            text, items = post.body.decode(), orjson.loads(post.body)
        except ValueError:
            raise MalformedPostError("not JSON") from None
        if not isinstance(items, list):
            raise MalformedPostError("not an array of events")
        return text

    def events_in(self, text: str, received_at: datetime) -> Sequence[ProviderEvent]:
        """Read its events."""
        try:
            return sendgrid_events.parse(text, received_at)
        except ValueError:
            raise MalformedPostError("not an array of events") from None


class TwilioEvents:
    """Twilio's delivery receipts."""

    def __init__(self, auth_tokens: Sequence[str], public_url: str) -> None:
        """`public_url` is ours as Twilio knows it: it signs the address, which proxies change on the way."""
        self._tokens = auth_tokens
        self._public_url = public_url

    def is_genuine(self, post: SignedPost) -> bool:
        """Whether one of the tokens signed it."""
        signature = post.headers.get(twilio_events.SIGNATURE_HEADER, "")
        kind = post.headers.get("content-type", "")
        url = self._public_url + post.path
        return any(twilio_events.verify(token, url, signature, post.body, kind) for token in self._tokens)

    def text_of(self, post: SignedPost) -> str:
        """Return the form, with the message that the address names."""
        query = parse_qs(post.path.partition("?")[2])
        ours = [(_OURS, one) for one in query.get(MESSAGE_PARAMETER, [])[:1]]
        try:
            text = f"{post.body.decode()}&{urlencode(ours)}"
            self.events_in(text, datetime.now(UTC))
        except ValueError:
            raise MalformedPostError("not a delivery receipt") from None
        return text

    def events_in(self, text: str, received_at: datetime) -> Sequence[ProviderEvent]:
        """Read its event."""
        # Ours comes last: what stands before it under that name would be Twilio's.
        named = parse_qs(text).get(_OURS, [])
        try:
            events = twilio_events.parse(text, received_at)
        except ValueError:
            raise MalformedPostError("not a delivery receipt") from None
        return [replace(event, message_ref=named[-1]) for event in events] if named else events
