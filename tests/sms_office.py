"""SMS that people send to the shop, as Twilio posts them, to a test's world."""

from html import unescape
from typing import Any
from urllib.parse import urlencode

from flask.testing import FlaskClient
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]
from werkzeug.test import TestResponse

from notify.app import create_app
from notify.domain.consent import Scope
from notify.domain.suppressions import STOP
from tests.reporting import TOKEN
from tests.world import PHONE, World

HOOK = "/webhooks/twilio/inbound"
ORDERS, NEWS, SHARED = "38105", "36105", "37105"


class SmsOffice:
    """Posts what comes in, signed as Twilio signs, each SMS with an id of its own."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.client: FlaskClient = create_app(world.parts).test_client()
        self._number = 0

    def post(
        self, text: str, to: str = NEWS, *, token: str = TOKEN, sid: str = "", **more: Any
    ) -> TestResponse:
        """Post one SMS; `sid` repeats an earlier one."""
        self._number += 1
        form = {
            "MessageSid": sid or f"SM{self._number:032x}",
            "AccountSid": "AC" + "0" * 32,
            "From": PHONE,
            "To": to,
            "Body": text,
            "NumMedia": "0",
            **more,
        }
        url = self.world.parts.settings.public_url + HOOK
        signature = RequestValidator(token).compute_signature(url, form)
        return self.client.post(HOOK, data=urlencode(form), headers={
            "X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"
        })  # fmt: skip

    def told(self, text: str, to: str = NEWS, **more: Any) -> str | None:
        """Post one SMS that is taken; return what is answered."""
        answer = self.post(text, to, **more)
        assert answer.status_code == 200
        assert answer.content_type == "text/xml; charset=utf-8"
        body = answer.get_data(as_text=True)
        head, tail = '<?xml version="1.0" encoding="UTF-8"?><Response>', "</Response>"
        assert body.startswith(head)
        assert body.endswith(tail)
        inner = body.removeprefix(head).removesuffix(tail)
        return unescape(inner.removeprefix("<Message>").removesuffix("</Message>")) if inner else None

    def stop_scope(self, phone: str = PHONE) -> Scope | None:
        """Return what a STOP bars a number from at this moment."""
        from notify.domain.catalogue import Channel  # noqa: PLC0415

        with self.world.parts.store.read() as tx:
            found = tx.suppressions.of(Channel.SMS, [tx.suppressions.hash_of(Channel.SMS, phone)])
        return next((one.scope for one in found if one.reason == STOP), None)

    def entries(self, recipient: str = "C-1042") -> list[tuple[str, str, bool, str, str | None]]:
        """Return topic, way and wording of the ledger of one person, those of the policy apart."""
        items = self.world.parts.lookups.consents(recipient)["items"]
        return [
            (one["topic"], one["channel"], one["subscribed"], one["source"], one["wording"])
            for one in items
            if one["topic"]
        ]
