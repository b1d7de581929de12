"""SendGrid's inbound parse: the `mailto:` way out. The token in the address decides, never the From line."""

import json
import re
from email.utils import getaddresses
from typing import Final

from flask import Blueprint, Response, abort

from notify.domain.errors import InvalidTokenError
from notify.domain.ledger import MAILTO
from notify.domain.requests import Proof
from notify.domain.sending import UNSUBSCRIBE_MAILBOX
from notify.usecases.preferences.unsubscribe import Unsubscribe
from notify.web.webhooks.mail_forms import mail_fields

_MOST_RECIPIENTS: Final = 50
_OURS: Final = re.compile(rf"{re.escape(UNSUBSCRIBE_MAILBOX)}([a-z2-7]+)@[^@]+", re.IGNORECASE)


def inbound_mail_blueprint(unsubscribe: Unsubscribe, *, receives_mail: bool) -> Blueprint:
    """Return the webhook. Where no domain receives mail it answers 403 and accepts nothing.

    Inbound parse carries no signature: the opt-out token in the address is the credential, and all it can do
    is opt out (https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/setting-up-the-inbound-parse-webhook).
    """
    blueprint = Blueprint("inbound_mail", __name__)

    @blueprint.post("/webhooks/sendgrid/inbound")
    def inbound() -> Response:
        """Opt out by every token among the addresses. 200 in any case, or SendGrid would send it for days."""
        if not receives_mail:
            abort(403)
        for token in _tokens():
            try:
                unsubscribe.by_mail(token, Proof(source=MAILTO))
            except InvalidTokenError:
                continue
        return Response("", 200)

    return blueprint


def _tokens() -> list[str]:
    """Return what follows our mailbox's name in the addresses the mail was sent to.

    Of whatever domain: mails that were sent name the one that received mail at the time.
    """
    fields = mail_fields({"to", "envelope"})
    told = [*_envelope(fields.get("envelope", "")), fields.get("to", "")]
    found = (_OURS.fullmatch(address.strip()) for _, address in getaddresses(told)[:_MOST_RECIPIENTS])
    return list(dict.fromkeys(match[1].lower() for match in found if match))


def _envelope(text: str) -> list[str]:
    """Return the envelope's recipients: `{"to": ["…"], "from": "…"}`; anything else counts as none."""
    try:
        envelope = json.loads(text)
    except ValueError:
        return []
    recipients = envelope.get("to") if isinstance(envelope, dict) else None
    return [one for one in recipients if isinstance(one, str)] if isinstance(recipients, list) else []
