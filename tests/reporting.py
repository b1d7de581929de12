"""Signed posts of providers about the messages of a test's world, and what reads them."""

import base64
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask.testing import FlaskClient
from sqlalchemy import func, select
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]
from werkzeug.test import TestResponse

from notify.app import create_app
from notify.domain.catalogue import Channel
from notify.domain.views import NotificationView
from notify.storage.consent_tables import Suppression
from notify.storage.event_tables import EventPost
from tests.world import World, settings_for

SENDGRID_HOOK = "/webhooks/sendgrid/events"
TWILIO_HOOK = "/webhooks/twilio/status"
TOKEN = "0123456789abcdef0123456789abcdef"
KEY = ec.generate_private_key(ec.SECP256R1())
SID = "SM" + "0" * 31 + "1"


def public_text(key: ec.EllipticCurvePrivateKey = KEY) -> str:
    """Return the public key as SendGrid shows it."""
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


Sent = tuple[NotificationView, str]


class Reporting:
    """A world whose webhooks are set up."""

    def __init__(self, database_url: str, data_dir: Path, **more: Any) -> None:
        keys = {"sendgrid_webhook_public_key": public_text(), "twilio_auth_token": TOKEN}
        self.world = World(settings_for(database_url, data_dir, **(keys | more)))
        parts = self.world.parts
        self.record = parts.record_events
        self.client: FlaskClient = create_app(parts).test_client()
        self._number = 0

    def event(self, message: str, word: str, **more: Any) -> dict[str, Any]:
        """Return one of SendGrid's events about a message, a second after the one before."""
        self._number += 1
        return {
            "email": "awa.diop@example.com",
            "timestamp": int(self.world.clock().timestamp()) - 3_600 + self._number,
            "event": word,
            "sg_event_id": f"event-{self._number}",
            "sg_message_id": "call-1.filter0001.16648.5515E0B88.0",
            "message_id": message,
            **more,
        }

    def post(self, events: Sequence[dict[str, Any]] | bytes, *, key: Any = KEY) -> TestResponse:
        """Post SendGrid's events, signed."""
        body = events if isinstance(events, bytes) else json.dumps(events).encode()
        timestamp = str(int(time.time()))
        signature = base64.b64encode(key.sign(timestamp.encode() + body, ec.ECDSA(SHA256()))).decode()
        headers = {
            "X-Twilio-Email-Event-Webhook-Signature": signature,
            "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
            "Content-Type": "application/json",
        }
        return self.client.post(SENDGRID_HOOK, data=body, headers=headers)

    def receipt(
        self, status: str, message: str | None = None, sid: str = SID, token: str = TOKEN, **more: str
    ) -> TestResponse:
        """Post one of Twilio's receipts, signed."""
        path = TWILIO_HOOK + (f"?{urlencode({'message': message})}" if message else "")
        form = {"MessageSid": sid, "MessageStatus": status, "To": "+221771234567", **more}
        url = self.world.parts.settings.public_url + path
        headers = {"X-Twilio-Signature": RequestValidator(token).compute_signature(url, form)}
        return self.client.post(path, data=form, headers=headers)

    def told(self, *events: dict[str, Any]) -> None:
        """Post events and read them."""
        assert self.post(list(events)).status_code == 204
        self.read()

    def read(self) -> int:
        """Read all posts that are due; return how many were looked at."""
        done = 0
        while found := self.record():
            done += found
        return done


def sent(reporting: Reporting, channel: Channel = Channel.EMAIL, **more: Any) -> Sent:
    """Send an order update on one channel; return it with its message's id."""
    answer = reporting.world.order(**({"channels": (channel,)} | more))
    reporting.world.work()
    return answer, answer["messages"][0]["id"]


def status(reporting: Reporting, answer: NotificationView, channel: Channel = Channel.EMAIL) -> str:
    return reporting.world.message(answer, channel)["status"]


def posts(reporting: Reporting) -> int:
    with reporting.world.parts.engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(EventPost)) or 0


def suppressed(reporting: Reporting) -> list[tuple[str, str]]:
    with reporting.world.parts.engine.connect() as connection:
        return [
            (scope, reason)
            for scope, reason in connection.execute(select(Suppression.scope, Suppression.reason))
        ]
