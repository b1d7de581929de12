"""SMS that people send to Twilio's numbers of ours, and the TwiML that answers them."""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from notify.domain.inbound_sms import InboundSms
from notify.domain.webhook_posts import MalformedPostError, SignedPost
from notify.providers.twilio_events import PROVIDER, SID

_PHONE: Final = re.compile(r"\+[1-9]\d{6,14}")
_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class TwilioInbound:
    """The webhook for incoming messages (twilio.com/docs/messaging/guides/webhook-request)."""

    def __init__(self, is_genuine: Callable[[SignedPost], bool]) -> None:
        """`is_genuine` tells whether Twilio signed a post, as for receipts."""
        self._is_genuine = is_genuine

    def is_genuine(self, post: SignedPost) -> bool:
        """Whether Twilio signed it; never raises."""
        return self._is_genuine(post)

    def sms_in(self, post: SignedPost) -> InboundSms | None:
        """Read a genuine post; None for what did not come from a phone number, as from a short code.

        MalformedPostError if it is no incoming message.
        """
        try:
            pairs = parse_qsl(post.body.decode(), keep_blank_values=True, errors="strict")
        except ValueError:
            raise MalformedPostError("not a form in UTF-8") from None
        fields = dict(pairs)
        sid = fields.get("MessageSid") or fields.get("SmsSid") or ""
        if "From" not in fields:
            raise MalformedPostError("not an incoming message")
        if not _PHONE.fullmatch(fields["From"]):
            return None
        return InboundSms(
            provider=PROVIDER,
            provider_message_id=sid if SID.fullmatch(sid) else "",
            phone=fields["From"],
            senders=tuple(filter(None, (fields.get("To"), fields.get("MessagingServiceSid")))),
            text=fields.get("Body", ""),
            understood=fields.get("OptOutType", ""),
        )

    def answering(self, text: str | None) -> str:
        """Return the TwiML that answers with one SMS, or with none (twilio.com/docs/messaging/twiml)."""
        said = f"<Message>{escape(_NOT_XML.sub('', text))}</Message>" if text else ""
        return f'<?xml version="1.0" encoding="UTF-8"?><Response>{said}</Response>'
