"""The shop is told what happens, signed, again and again until it has it, and nobody waits for it."""

import threading
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from sqlalchemy import text

from notify.domain.alerts import WEBHOOK_DISABLED
from notify.domain.backlog import WebhooksBacklog
from notify.domain.catalogue import Channel
from notify.domain.errors import ConflictError, NotFoundError
from notify.domain.ids import WEBHOOK_ENDPOINT, number_of
from notify.domain.outbound import ADDRESS_DISPUTED, PING, OutboundEvent
from notify.domain.outcome import Ambiguous
from notify.domain.webhook_calls import FAILING_FOR, PAUSES
from notify.domain.webhook_urls import UrlRule
from notify.providers.shop_endpoints import ShopEndpoints
from notify.store.webhooks import Replay
from notify.usecases.outbound_webhooks.endpoints import MOST
from notify.usecases.outbound_webhooks.tell import LEASE, RUN
from notify.usecases.purge import WEBHOOKS_KEPT_FOR, Purge
from notify.web.api.webhook_events import described_events
from tests.loopback.certificates import tls_pair
from tests.loopback.server import Fault
from tests.webhook_shop import ShopServer, Telling, signed_by
from tests.world import CLICK, EMAIL, PHONE, World
from workers.pump import Pump

DAY = timedelta(days=1)


@pytest.fixture
def shop() -> Iterator[ShopServer]:
    with ShopServer() as server:
        yield server


@pytest.fixture
def telling(world: World) -> Telling:
    return Telling(world)


def test_the_shop_is_told_what_became_of_an_order(world: World, telling: Telling, shop: ShopServer) -> None:
    secret = telling.endpoint(shop)["secret"]
    order = world.order(profile={"email": EMAIL, "name": "Awa Diop", "locale": "fr"})
    world.work()
    telling.tell()
    email, sms = order["messages"]
    assert {body["type"]: body["data"] for body in shop.told} == {
        "message.skipped": {
            "message_id": sms["id"],
            "notification_id": order["id"],
            "campaign_id": None,
            "recipient_id": "C-1042",
            "channel": "sms",
            "topic": "order_updates",
            "reference": "order-99812",
            "status": "skipped",
            "reason": "no_address",
        },
        "message.sent": {
            "message_id": email["id"],
            "notification_id": order["id"],
            "campaign_id": None,
            "recipient_id": "C-1042",
            "channel": "email",
            "topic": "order_updates",
            "reference": "order-99812",
            "status": "sent",
            "reason": None,
        },
    }
    for call in shop.received:
        validate(call.json)
        assert (call.method, call.path, call.headers["content-type"]) == ("POST", "/hook", "application/json")
        assert call.headers["webhook-timestamp"] == str(int(world.clock().timestamp()))
        assert signed_by(call, secret)
        assert not any(word in call.body.decode() for word in (EMAIL, PHONE, "Awa", "Diop"))
    assert len({call.headers["webhook-id"] for call in shop.received}) == 2


def test_cancelling_superseding_and_losing_a_call_are_told_too(
    world: World, telling: Telling, shop: ShopServer
) -> None:
    telling.endpoint(shop)
    later = world.clock() + DAY
    cancelled = world.order(channels=(Channel.EMAIL,), send_at=later, reference="a")
    world.parts.cancel_notification(cancelled["id"])
    waiting = world.order("order_out_for_delivery", channels=(Channel.EMAIL,), send_at=later, reference="b")
    world.order("order_delivered", channels=(Channel.EMAIL,), reference="b")
    world.email.script(Ambiguous("no answer in time"))
    world.work()
    lost = world.order(channels=(Channel.EMAIL,), reference="c")
    world.begin_call()
    world.clock.advance(timedelta(minutes=1))
    world.reconcile()
    telling.tell()
    told = [(body["type"], body["data"]["notification_id"], body["data"]["reason"]) for body in shop.told]
    assert told[:2] == [
        ("message.cancelled", cancelled["id"], None),
        ("message.skipped", waiting["id"], "superseded"),
    ]
    assert [one[0] for one in told[2:]] == ["message.unknown", "message.unknown"]
    assert told[3][1] == lost["id"]


def test_changed_preferences_are_told_as_the_ledger_has_them(
    world: World, telling: Telling, shop: ShopServer
) -> None:
    telling.endpoint(shop, "preference.changed")
    order = world.order(channels=(Channel.EMAIL,))
    world.work()
    world.parts.unsubscribe(world.opt_out_token(Channel.EMAIL), CLICK, None)
    world.parts.seal_ledger()
    world.parts.follow_ledger()
    world.parts.follow_ledger()
    telling.tell()
    (entry,) = world.parts.lookups.consents("C-1042")["items"]
    validate(*shop.told)
    assert [body["data"] for body in shop.told] == [
        {
            "recipient_id": "C-1042",
            "topic": "order_updates",
            "channel": "email",
            "subscribed": False,
            "source": "link",
            "consent_id": entry["id"],
            "message_id": order["messages"][0]["id"],
        }
    ]


def test_nothing_is_kept_where_nobody_listens(world: World, telling: Telling, shop: ShopServer) -> None:
    telling.endpoint(shop, "preference.changed")
    world.order()
    world.work()
    with world.parts.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM webhook_events")).scalar_one() == 0


def test_what_fails_is_told_again_with_the_same_id_and_body(
    world: World, telling: Telling, shop: ShopServer
) -> None:
    endpoint = telling.endpoint(shop)
    shop.script(Fault(status=500), Fault(status=302, headers={"Location": shop.url + "/elsewhere"}))
    dispute(world)
    telling.tell()
    assert telling.deliveries(endpoint["id"])[0]["answer"] == 500
    waiting = world.parts.backlog.report(world.clock()).webhooks
    assert waiting == WebhooksBacklog(waiting=1, oldest_at=world.clock(), failing=1)
    assert telling.tell() == 0
    for pause in PAUSES[:2]:
        world.clock.advance(timedelta(seconds=pause))
        telling.tell()
    first, _, last = shop.received
    assert [call.path for call in shop.received] == ["/hook"] * 3  # no redirect was followed
    assert (first.headers["webhook-id"], first.body) == (last.headers["webhook-id"], last.body)
    assert first.headers["webhook-timestamp"] != last.headers["webhook-timestamp"]
    (delivery,) = telling.deliveries(endpoint["id"])
    assert (delivery["status"], delivery["attempts"], delivery["answer"]) == ("delivered", 3, 204)
    assert telling.desk.endpoint(endpoint["id"])["failing_since"] is None


def test_what_was_given_up_can_be_replayed(world: World, telling: Telling, shop: ShopServer) -> None:
    endpoint = telling.endpoint(shop)
    shop.always(Fault(status=400))
    began = world.clock()
    dispute(world)
    for pause in (*PAUSES, 0):
        telling.tell()
        world.clock.advance(timedelta(seconds=pause))
    (delivery,) = telling.deliveries(endpoint["id"])
    assert (delivery["status"], delivery["attempts"]) == ("given_up", len(PAUSES) + 1)
    shop.clear()
    assert telling.tell() == 0
    missed = Replay(began, failed_only=True)
    assert telling.desk.replay(endpoint["id"], missed) == {"replayed": 1}
    assert telling.tell() == 1
    assert telling.desk.replay(endpoint["id"], missed) == {"replayed": 0}
    assert telling.desk.replay(endpoint["id"], Replay(began, types=["ping"])) == {"replayed": 0}
    assert telling.desk.replay_one(delivery["id"])["status"] == "waiting"
    telling.tell()
    other = telling.endpoint(shop, path="/new")
    assert telling.desk.replay(other["id"], Replay(began)) == {"replayed": 1}
    telling.tell()
    assert [call.path for call in shop.received] == ["/hook", "/hook", "/new"]
    assert len({call.headers["webhook-id"] for call in shop.received}) == 1


def test_an_endpoint_that_is_gone_or_fails_for_days_is_disabled(
    world: World, telling: Telling, shop: ShopServer
) -> None:
    gone, failing = telling.endpoint(shop), telling.endpoint(shop, path="/failing")
    shop.script(Fault(status=410))
    shop.always(Fault(status=500))
    dispute(world)
    telling.tell()
    assert telling.desk.endpoint(gone["id"])["disabled_because"] == "it answered 410 Gone"
    with pytest.raises(ConflictError):
        telling.desk.ping(gone["id"])
    with world.parts.store.read() as tx:
        (alert,) = tx.alerts.open_ones()
    assert (alert.kind, alert.details["endpoint"]) == (WEBHOOK_DISABLED, gone["id"])
    world.clock.advance(FAILING_FOR)
    dispute(world)
    telling.tell()
    disabled = telling.desk.endpoint(failing["id"])
    assert disabled["disabled_because"] == "every call failed for 5 days"
    assert {one["status"] for one in telling.deliveries(failing["id"])} == {"given_up"}
    shop.clear()
    telling.desk.enable(failing["id"])
    assert telling.desk.ping(failing["id"])["type"] == "ping"
    world.clock.advance(timedelta(minutes=1))  # it rests after a failure
    telling.tell()
    assert shop.types == ["ping"]


def test_nothing_waits_for_an_endpoint_that_was_disabled(
    world: World, telling: Telling, shop: ShopServer
) -> None:
    endpoint = telling.endpoint(shop)
    for _ in range(RUN * 2):
        dispute(world)
    first, second = telling.tell.prepare(2).works
    shop.script(Fault(status=410), Fault(status=500))
    for run in (first, second):  # begun before anybody knew that the endpoint is gone
        telling.tell.send(run)
        telling.tell.record([run])
    assert {one["status"] for one in telling.deliveries(endpoint["id"])} == {"given_up"}
    with world.parts.store.write() as tx:  # as by a process that has not heard of it yet
        number = number_of(WEBHOOK_ENDPOINT, endpoint["id"])
        tx.webhook_deliveries.send_one(number, OutboundEvent(PING, world.clock(), {}), world.clock())
    assert world.parts.backlog.report(world.clock()).webhooks == WebhooksBacklog(disabled=1)
    Purge(world.parts.store, world.clock)()
    assert telling.deliveries(endpoint["id"])[0]["status"] == "given_up"
    assert telling.deliveries(endpoint["id"])[0]["detail"] == "it answered 410 Gone"


def test_a_slow_endpoint_holds_up_no_other(world: World, telling: Telling, shop: ShopServer) -> None:
    with ShopServer() as slow:
        slow.always(Fault(delay=30))
        for number in range(3):
            telling.endpoint(slow, path=f"/{number}")
        telling.endpoint(shop)
        for _ in range(50):
            dispute(world)
        tell = telling.tell
        pump = Pump(tell.prepare, tell.send, tell.record, 8, look_every=0.05)
        pump.start()
        try:
            assert soon(lambda: len(shop.received) == 50)
        finally:
            pump.stop(10)
        assert len({call.headers["webhook-id"] for call in shop.received}) == 50


def test_an_answer_without_end_is_not_read(world: World, telling: Telling, shop: ShopServer) -> None:
    endpoint = telling.endpoint(shop)
    shop.script(
        Fault(status=200, body=b"x" * 5_000_000),
        Fault(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"10000\r\n" * 70_000),
        Fault(raw=b"gibberish\r\n\r\n"),
        Fault(reset="after"),
    )
    for _ in range(4):
        dispute(world)
        telling.tell()
        world.clock.advance(timedelta(seconds=2))
    answers = [(one["status"], one["answer"]) for one in telling.deliveries(endpoint["id"])]
    assert answers == [("waiting", None), ("waiting", None), ("delivered", 200), ("delivered", 200)]


def test_whoever_dies_in_a_call_leaves_it_to_the_next(
    world: World, telling: Telling, shop: ShopServer
) -> None:
    telling.endpoint(shop)
    dispute(world)
    (run,) = telling.tell.prepare(4).works
    telling.tell.send(run)  # and is killed before it could write that down
    after = Telling(world)
    assert after.tell() == 0
    world.clock.advance(LEASE)
    assert after.tell() == 1
    assert len({call.headers["webhook-id"] for call in shop.received}) == 1
    telling.tell.record([run])  # it was only slow: nothing changes
    (delivery,) = telling.deliveries(run_endpoint(telling))
    assert (delivery["status"], delivery["attempts"]) == ("delivered", 1)


def test_both_secrets_sign_for_a_day_after_a_rotation(
    world: World, telling: Telling, shop: ShopServer
) -> None:
    endpoint = telling.endpoint(shop)
    secret = telling.desk.rotate(endpoint["id"], None)["secret"]
    dispute(world)
    telling.tell()
    world.clock.advance(DAY)
    dispute(world)
    telling.tell()
    first, last = shop.received
    assert (signed_by(first, endpoint["secret"]), signed_by(first, secret)) == (True, True)
    assert (signed_by(last, endpoint["secret"]), signed_by(last, secret)) == (False, True)


def test_addresses_and_secrets_are_sealed_and_what_was_deleted_is_not_told(
    world: World, telling: Telling, shop: ShopServer
) -> None:
    endpoint = telling.endpoint(shop, path="/hook?key=hidden")
    with world.parts.engine.connect() as connection:
        (row,) = connection.execute(text("SELECT url_sealed, secret_sealed FROM webhook_endpoints"))
    assert b"hidden" not in row.url_sealed
    assert endpoint["secret"].encode() not in row.secret_sealed
    dispute(world)
    telling.desk.delete(endpoint["id"])
    assert telling.tell() == 0
    with pytest.raises(NotFoundError):
        telling.desk.delete(endpoint["id"])


def test_there_can_be_so_many_endpoints_and_no_more(telling: Telling, shop: ShopServer) -> None:
    for number in range(MOST):
        telling.endpoint(shop, path=f"/{number}")
    with pytest.raises(ConflictError):
        telling.endpoint(shop)
    telling.desk.delete(telling.desk.endpoints()[0]["id"])
    telling.endpoint(shop)


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(tmp_path: Path) -> None:
    server, trusting = tls_pair(tmp_path)
    rule = UrlRule(loopback=True)
    with ShopServer(tls=server) as shop:
        answer = ShopEndpoints(rule).post(shop.url, b"{}", {})
        assert (answer.status, answer.detail) == (None, "TLS failed")
        assert ShopEndpoints(rule, tls=trusting).post(shop.url, b"{}", {}).taken
        assert len(shop.received) == 1


def test_what_was_told_is_forgotten_after_a_month(world: World, telling: Telling, shop: ShopServer) -> None:
    telling.endpoint(shop)
    dispute(world)
    telling.tell()
    shop.always(Fault(status=503))
    world.clock.advance(WEBHOOKS_KEPT_FOR + DAY)
    dispute(world)
    telling.tell()
    Purge(world.parts.store, world.clock)()
    with world.parts.engine.connect() as connection:
        for table in ("webhook_events", "webhook_deliveries"):
            assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() == 1  # noqa: S608


def dispute(world: World) -> None:
    """Let something happen that the shop is told."""
    now = world.clock()
    with world.parts.store.write() as tx:
        tx.outbound.add(
            [OutboundEvent(ADDRESS_DISPUTED, now, {"recipient_id": "C-1", "channel": "sms"})], now
        )


def validate(*told: Mapping[str, Any]) -> None:
    """See that events are as the description of the API has them."""
    described = described_events()
    for body in told:
        content = described[body["type"]]["post"]["requestBody"]["content"]["application/json"]
        Draft202012Validator(content["schema"]).validate(body)


def run_endpoint(telling: Telling) -> str:
    return telling.desk.endpoints()[0]["id"]


def soon(happened: object) -> bool:
    """Wait until something is so, ten seconds at most."""
    assert callable(happened)
    waiting = threading.Event()
    return any(happened() or waiting.wait(0.02) for _ in range(500))
