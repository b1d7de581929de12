"""A lane on real processes: a slow call holds up nothing but itself, and a worker that stops finishes it."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.up_process import UpProcess, call, wait_for
from tests.loopback.sendgrid import SendGridLoopback
from tests.loopback.server import Fault

LONGEST = 50.0
"""Seconds that a slow call takes if nobody ends it; calls may take longer still."""
IN_TIME = 40.0
"""Seconds within which an order gets past slow calls: no figure of ours, the machine may be busy."""


class Shop:
    """The order system's side of a running service, and what SendGrid got."""

    def __init__(self, up: UpProcess, sendgrid: SendGridLoopback) -> None:
        self.up = up
        self.sendgrid = sendgrid

    def order(self, number: str) -> str:
        """Post an order update by e-mail; return the notification's id."""
        _, headers, _ = self.up.curl()
        body = {
            "template": "order_shipped",
            "recipient": {"id": f"C-{number}", "email": f"c{number}@example.com", "locale": "fr"},
            "data": {"order_number": number},
            "channels": ["email"],
        }
        return str(call(f"{self.up.url}/v1/notifications", headers, json.dumps(body).encode())["id"])

    def calls(self, number: str) -> int:
        """Return how often SendGrid was called for an order."""
        return sum(number in one["subject"] for one in self.sendgrid.messages)

    def status(self, notification_id: str) -> str:
        return str(self.up.get(f"/v1/notifications/{notification_id}")["status"])

    def attempts(self, notification_id: str) -> list[dict[str, Any]]:
        (message,) = self.up.get(f"/v1/notifications/{notification_id}")["messages"]
        found: list[dict[str, Any]] = self.up.get(f"/v1/messages/{message['id']}")["attempts"]
        return found


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with SendGridLoopback() as sendgrid:
        up = UpProcess(
            tmp_path_factory.mktemp("lane") / "data",
            EMAIL_PROVIDER="sendgrid",
            SENDGRID_API_KEY="SG.key-for-tests",
            SENDGRID_API_URL=sendgrid.url,
            PROVIDER_TIMEOUT="60",
        )
        try:
            found = Shop(up.wait_until_ready(), sendgrid)
            first = found.order("70001")
            wait_for(lambda: found.status(first) == "sent", 60, lambda: up.log[-3000:])
            yield found
        finally:
            up.stop()


@pytest.fixture
def end() -> Iterator[threading.Event]:
    """Set, it ends the calls of a test that are slow until then."""
    event = threading.Event()
    yield event
    event.set()


def test_one_slow_call_does_not_hold_up_the_next_order(shop: Shop, end: threading.Event) -> None:
    shop.sendgrid.script(Fault(delay=LONGEST, until=end))
    slow = shop.order("70010")
    wait_for(lambda: shop.calls("70010") == 1, IN_TIME)
    time.sleep(1)
    following = shop.order("70011")
    wait_for(lambda: shop.status(following) == "sent", IN_TIME, lambda: shop.up.log[-3000:])
    assert shop.status(slow) == "sending"
    end.set()
    wait_for(lambda: shop.status(slow) == "sent", IN_TIME)


def test_orders_leave_while_all_but_one_call_are_slow(shop: Shop, end: threading.Event) -> None:
    shop.sendgrid.script(*[Fault(delay=LONGEST, until=end)] * 7)
    slow = [shop.order(f"7002{number}") for number in range(7)]
    wait_for(lambda: all(shop.calls(f"7002{number}") for number in range(7)), IN_TIME)
    for number in ("70031", "70032"):
        following = shop.order(number)
        wait_for(lambda one=following: shop.status(one) == "sent", IN_TIME)  # type: ignore[misc]
    assert {shop.status(one) for one in slow} == {"sending"}
    end.set()
    wait_for(lambda: {shop.status(one) for one in slow} == {"sent"}, IN_TIME)


def test_orders_leave_while_redis_hangs(shop: Shop) -> None:
    valkey = shop.up.children()["valkey"]
    os.kill(valkey, signal.SIGSTOP)
    try:
        shop.order("70035")
        wait_for(lambda: shop.calls("70035") == 1, IN_TIME, lambda: shop.up.log[-3000:])
    finally:
        os.kill(valkey, signal.SIGCONT)
    wait_for(lambda: shop.up.get("/readyz")["redis"] == "ok", IN_TIME)
    shop.order("70036")
    wait_for(lambda: shop.calls("70036") == 1, IN_TIME, lambda: shop.up.log[-3000:])


def test_a_worker_told_to_stop_finishes_the_call_it_is_in(shop: Shop, end: threading.Event) -> None:
    shop.sendgrid.script(Fault(delay=LONGEST, until=end))
    slow = shop.order("70040")
    wait_for(lambda: shop.calls("70040") == 1, IN_TIME)
    worker = shop.up.children()["worker urgent"]
    os.kill(worker, signal.SIGTERM)
    following = shop.order("70041")
    time.sleep(2)
    assert shop.status(slow) == "sending"
    end.set()
    wait_for(lambda: shop.status(slow) == "sent", IN_TIME, lambda: shop.up.log[-3000:])
    assert [one["outcome"] for one in shop.attempts(slow)] == ["accepted"]
    wait_for(lambda: shop.status(following) == "sent", 60, lambda: shop.up.log[-3000:])
    assert shop.up.children()["worker urgent"] != worker
    assert (shop.calls("70040"), shop.calls("70041")) == (1, 1)


def test_a_service_told_to_stop_finishes_the_calls_it_is_in(shop: Shop) -> None:
    shop.sendgrid.script(Fault(delay=4))
    slow = shop.order("70050")
    wait_for(lambda: shop.calls("70050") == 1, IN_TIME)
    assert shop.up.stop() == 0
    again = UpProcess(shop.up.data_dir, shop.up.port)
    try:
        found = Shop(again.wait_until_ready(), shop.sendgrid)
        assert found.status(slow) == "sent"
        assert shop.calls("70050") == 1
    finally:
        again.stop()
