"""The main job on real processes: order, two providers, a click, the next order; then things are killed."""

import base64
import json
import os
import re
import signal
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import redis

from tests.e2e.up_process import PATIENCE, UpProcess, call, wait_for
from tests.loopback.sendgrid import SendGridLoopback
from tests.loopback.server import Fault
from tests.loopback.twilio import TwilioLoopback

PERSONAL = ("awa.diop", "771234567", "Awa Diop")


@dataclass
class Shop:
    """The order system's side of a running service, and what the providers got."""

    up: UpProcess
    redis_url: str
    sendgrid: SendGridLoopback
    twilio: TwilioLoopback

    def order(self, number: str, template: str = "order_shipped", **more: Any) -> dict[str, Any]:
        _, headers, _ = self.up.curl()
        body = {
            "template": template,
            "recipient": {
                "id": "C-1042",
                "email": "awa.diop@example.com",
                "phone": "+221771234567",
                "name": "Awa Diop",
                "locale": "fr",
                "country": "SN",
            },
            "data": {"order_number": number},
            "reference": f"order-{number}",
        }
        return call(f"{self.up.url}/v1/notifications", headers, json.dumps(body | more).encode())

    def status(self, notification: dict[str, Any]) -> str:
        return str(self.up.get(f"/v1/notifications/{notification['id']}")["status"])

    def wait_until(self, notification: dict[str, Any], status: str) -> None:
        wait_for(lambda: self.status(notification) == status, PATIENCE, lambda: self.up.log[-3000:])

    def texts(self) -> list[dict[str, str]]:
        return [one.form for one in list(self.twilio.received) if one.method == "POST"]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    engines: dict[str, str] = {}
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        engines = {
            "DATABASE_URL": server.url(server.create()),
            "REDIS_URL": request.getfixturevalue("valkey_url"),
            "SECRET_KEYS": "signing-key-of-thirty-two-characters-1",
            "ENCRYPTION_KEYS": base64.urlsafe_b64encode(os.urandom(32)).decode(),
        }
    with SendGridLoopback() as sendgrid, TwilioLoopback() as twilio:
        up = UpProcess(
            tmp_path_factory.mktemp("job") / "data",
            EMAIL_PROVIDER="sendgrid",
            SENDGRID_API_KEY="SG.key-for-tests",
            SENDGRID_API_URL=sendgrid.url,
            SMS_PROVIDER="twilio",
            TWILIO_ACCOUNT_SID="AC" + "0" * 32,
            TWILIO_AUTH_TOKEN="12345",
            TWILIO_API_URL=twilio.url,
            UNSUBSCRIBE_MAIL_DOMAIN="mail.example.org",
            **engines,
        )
        try:
            embedded = f"unix://{up.data_dir}/redis.sock"
            yield Shop(up.wait_until_ready(), engines.get("REDIS_URL", embedded), sendgrid, twilio)
        finally:
            up.stop()


def test_an_order_goes_out_and_the_click_stops_the_next_one(shop: Shop) -> None:
    shop.wait_until(shop.order("99811"), "sent")
    mail, text = shop.sendgrid.messages[-1], shop.texts()[-1]
    headers = mail["headers"]
    found = re.fullmatch(
        rf"<({shop.up.url}/u/[\w-]+)>, "
        r"<mailto:unsubscribe-[a-z2-7]+@mail\.example\.org\?subject=unsubscribe>",
        headers["List-Unsubscribe"],
    )
    assert found
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["tracking_settings"]["click_tracking"] == {"enable": False, "enable_text": False}
    assert not any(word in json.dumps(mail["custom_args"]) for word in PERSONAL)
    assert "99811" in text["Body"]
    assert f"{shop.up.url}/u/" in text["Body"]

    click = urllib.request.Request(found[1], data=b"List-Unsubscribe=One-Click", method="POST")
    with urllib.request.urlopen(click, timeout=PATIENCE) as answer:
        assert answer.status == 200
        assert answer.headers["Set-Cookie"] is None
    before = len(shop.sendgrid.messages), len(shop.texts())
    following = shop.order("99812", "order_out_for_delivery")
    assert [one["reason"] for one in following["messages"]] == ["unsubscribed", None]
    wait_for(lambda: len(shop.texts()) == before[1] + 1, PATIENCE)
    assert len(shop.sendgrid.messages) == before[0]


def test_nothing_personal_is_left_in_redis_or_the_logs(shop: Shop) -> None:
    shop.wait_until(shop.order("99820", channels=["sms"]), "sent")
    with redis.Redis.from_url(shop.redis_url) as client:
        stored = b"".join(client.dump(key) or b"" for key in client.scan_iter())
    assert stored
    assert not any(word.encode() in stored for word in PERSONAL)
    assert not any(word in shop.up.log for word in PERSONAL)


def test_a_busy_provider_is_tried_again(shop: Shop) -> None:
    shop.twilio.script(Fault(status=429, body=b'{"code": 20429}', headers={"Retry-After": "1"}))
    shop.wait_until(shop.order("99821", channels=["sms"]), "sent")


def test_a_refused_number_ends_at_once_with_the_reason(shop: Shop) -> None:
    shop.twilio.script(Fault(status=400, body=b'{"code": 21614, "message": "not a mobile", "status": 400}'))
    landline = {"id": "C-1043", "phone": "+221338001234"}
    answer = shop.order("99822", channels=["sms"], recipient=landline)
    shop.wait_until(answer, "failed")
    message = shop.up.get(f"/v1/messages/{answer['messages'][0]['id']}")
    assert "21614" in message["detail"]
    following = shop.order("99824", channels=["sms"], recipient=landline)
    assert [one["reason"] for one in following["messages"]] == ["suppressed"]


def test_a_reset_in_mid_call_is_unknown_and_not_sent_again(shop: Shop) -> None:
    shop.twilio.script(Fault(reset="after"))
    answer = shop.order("99823", channels=["sms"])
    shop.wait_until(answer, "unknown")


def test_a_worker_killed_in_mid_call_leaves_unknown_and_its_lane_goes_on(shop: Shop) -> None:
    before = len(shop.texts())
    shop.twilio.script(Fault(delay=30))
    lost = shop.order("99830", channels=["sms"])
    wait_for(lambda: len(shop.texts()) > before, PATIENCE)
    assert shop.status(lost) == "sending"
    os.kill(shop.up.children()["worker urgent"], signal.SIGKILL)
    following = shop.order("99831", channels=["sms"])
    shop.wait_until(following, "sent")
    shop.wait_until(lost, "unknown")


def test_what_was_accepted_survives_the_loss_of_all_of_redis(shop: Shop) -> None:
    worker = shop.up.children()["worker urgent"]
    os.kill(worker, signal.SIGSTOP)
    answer = shop.order("99840", channels=["sms"])
    with redis.Redis.from_url(shop.redis_url) as client:
        client.flushall()
    os.kill(worker, signal.SIGCONT)
    shop.wait_until(answer, "sent")
