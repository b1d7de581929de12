"""What providers report, and what becomes of a campaign, is told to the shop as well."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.campaigns import Newsroom
from tests.reporting import Reporting, sent
from tests.webhook_shop import ShopServer, Telling
from tests.world import World


@pytest.fixture
def shop() -> Iterator[ShopServer]:
    with ShopServer() as server:
        yield server


def test_what_a_provider_reports_is_told_once(reporting: Reporting, shop: ShopServer) -> None:
    telling = Telling(reporting.world)
    telling.endpoint(shop, "message.delivered", "message.bounced", "message.complained")
    _, message = sent(reporting)
    delivered = reporting.event(message, "delivered")
    reporting.told(delivered, reporting.event(message, "processed"))
    reporting.told(delivered)
    reporting.told(reporting.event(message, "spamreport"))
    telling.tell()
    assert [(body["type"], body["data"]["message_id"]) for body in shop.told] == [
        ("message.delivered", message),
        ("message.complained", message),
    ]


def test_what_becomes_of_a_campaign_is_told_message_by_message(world: World, shop: ShopServer) -> None:
    telling, news = Telling(world), Newsroom(world, largest_slice=2)
    telling.endpoint(shop, "message.*")
    for name in "ABC":
        news.reader(name)
    news.reader("A2", email="a@example.com")
    campaign = news.send()
    news.finish()
    telling.tell()
    told = Counter((body["type"], body["data"]["campaign_id"], body["data"]["reason"]) for body in shop.told)
    assert told == {
        ("message.sent", campaign, None): 3,
        ("message.skipped", campaign, "duplicate_address"): 1,
    }
    assert {body["data"]["recipient_id"] for body in shop.told} == {"A", "A2", "B", "C"}
    assert {body["data"]["topic"] for body in shop.told} == {"company_news"}


def test_what_a_cancelled_campaign_did_not_send_is_told_a_little_later(
    world: World, shop: ShopServer
) -> None:
    telling, news = Telling(world), Newsroom(world)
    telling.endpoint(shop, "message.cancelled")
    for name in "ABC":
        news.reader(name)
    campaign = news.send()
    news.pump()
    news.desk.cancel(campaign)
    world.clock.advance(timedelta(minutes=1))
    world.parts.run_errands()
    telling.tell()
    assert [(body["data"]["campaign_id"], body["data"]["recipient_id"]) for body in shop.told] == [
        (campaign, name) for name in "ABC"
    ]


def test_whoever_is_erased_is_told_of_once_more_and_forgotten(world: World, shop: ShopServer) -> None:
    telling = Telling(world)
    telling.endpoint(shop)
    world.order()
    world.work()
    telling.tell()
    world.order("order_delivered")
    world.parts.erase_recipient("C-1042")
    shop.clear()
    telling.tell()
    assert [(body["type"], body["data"]) for body in shop.told] == [
        ("recipient.erased", {"recipient_id": "C-1042"})
    ]
    with world.parts.engine.connect() as connection:
        assert list(connection.execute(text("SELECT type FROM webhook_events"))) == [("recipient.erased",)]
