"""Twilio's incoming messages: STOP, START, HELP and their French kin."""

from typing import Final

from flask import Blueprint, Response, abort

from notify.domain.webhook_posts import ForgedPostError, MalformedPostError
from notify.usecases.sms.receive import ReceiveSms
from notify.web.webhooks.events import signed_post

_XML: Final = "text/xml; charset=utf-8"


def inbound_sms_blueprint(receive: ReceiveSms) -> Blueprint:
    """Return the webhook: TwiML when done, 403 unless signed by a token that is set, 400 for another shape.

    A database that is out of reach is 503, and Twilio tries again or asks its fallback address.
    """
    blueprint = Blueprint("inbound_sms", __name__)

    @blueprint.post("/webhooks/twilio/inbound")
    def inbound() -> Response:
        try:
            document = receive(signed_post())
        except ForgedPostError:
            abort(403)
        except MalformedPostError:
            abort(400)
        return Response(document, content_type=_XML)

    return blueprint
