"""Providers' posts about what became of messages: 2xx only once a post is durable."""

from typing import Final

from flask import Blueprint, Response, abort, request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from notify.domain.webhook_posts import ForgedPostError, MalformedPostError, SignedPost
from notify.usecases.events.receive import ReceiveEvents

MAX_BYTES: Final = 1_000_000
"""SendGrid posts at most 768 KB."""


def events_blueprint(receive: ReceiveEvents) -> Blueprint:
    """Return both webhooks: 204 when kept, 403 unless signed by a key that is set, 400 for another shape.

    A database that is out of reach is 503, and the provider tries again.
    """
    blueprint = Blueprint("events", __name__)

    @blueprint.post("/webhooks/sendgrid/events")
    def sendgrid() -> Response:
        return _taken(receive, "sendgrid")

    @blueprint.post("/webhooks/twilio/status")
    def twilio() -> Response:
        return _taken(receive, "twilio")

    return blueprint


def _taken(receive: ReceiveEvents, provider: str) -> Response:
    try:
        receive(provider, signed_post())
    except ForgedPostError:
        abort(403)
    except MalformedPostError:
        abort(400)
    return Response(status=204)


def signed_post() -> SignedPost:
    """Read the request as it came: the signature is over these bytes."""
    # One more than allowed: a chunked body, which has no length, is cut off there without an error.
    request.max_content_length = MAX_BYTES + 1
    try:
        body = request.get_data(cache=False)
    except (RequestEntityTooLarge, ClientDisconnected) as error:
        abort(413 if isinstance(error, RequestEntityTooLarge) else 400)
    if len(body) > MAX_BYTES:
        abort(413)
    query = request.query_string.decode("latin-1")
    return SignedPost(
        path=f"{request.path}?{query}" if query else request.path,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
    )
