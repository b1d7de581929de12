"""Several providers, limits and budgets, through the one door."""

from datetime import timedelta
from pathlib import Path

import pytest

from notify.domain.catalogue import Channel
from notify.domain.health import FIRST_PAUSE
from notify.domain.outcome import Ambiguous, Refused, Transient
from notify.domain.outgoing import OutgoingEmail
from notify.domain.rate_limits import Limits, ProviderLimits
from notify.domain.requests import Lane
from notify.domain.views import NotificationView
from notify.reaching_redis import connect
from notify.throttle import RedisThrottle
from notify.usecases.delivery.choosing_providers import HealthyProviders
from tests.campaigns import Newsroom
from tests.doubles import FakeProvider
from tests.world import World, settings_for

BROKEN = Transient("connection refused")
LIMITED = Transient("rate limited: 429", 60.0)


class Shop:
    """A world with two providers of e-mail, and limits kept in this process."""

    def __init__(self, world: World, tmp_path: Path, limits: ProviderLimits | None = None) -> None:
        self.world = world
        self.first: FakeProvider[OutgoingEmail] = FakeProvider(name="sendgrid")
        self.second: FakeProvider[OutgoingEmail] = FakeProvider(name="smtp")
        self.throttle = RedisThrottle(
            connect(f"unix://{tmp_path}/nobody"), limits or ProviderLimits(), 30, self.seconds
        )
        self.dice = 0.0
        world.parts.provider_choice = HealthyProviders(
            {Channel.EMAIL: [(self.first, 1), (self.second, 1)], Channel.SMS: [(world.sms, 1)]},
            dict.fromkeys(Channel, world.outbox),
            held=self.throttle.held,
            tell=lambda _name, _up: None,
            random=lambda: self.dice,
            clock=self.seconds,
        )
        world.parts.throttle = self.throttle

    def seconds(self) -> float:
        return self.world.clock().timestamp()

    def mail(self) -> NotificationView:
        return self.world.order(channels=(Channel.EMAIL,))

    def text(self) -> NotificationView:
        return self.world.order(channels=(Channel.SMS,))

    def wait(self, seconds: float) -> None:
        self.world.clock.advance(timedelta(seconds=seconds))
        self.world.work()

    def status(self, order: NotificationView, channel: Channel = Channel.EMAIL) -> str:
        return self.world.message(order, channel)["status"]


@pytest.fixture
def shop(world: World, tmp_path: Path) -> Shop:
    return Shop(world, tmp_path)


def test_who_is_refused_for_good_is_not_tried_at_the_other(shop: Shop) -> None:
    shop.first.script(Refused("550 no such user"))
    order = shop.mail()
    shop.wait(0)
    for _ in range(3):
        shop.dice = 0.9
        shop.wait(3600)
    assert shop.status(order) == "failed"
    assert shop.second.messages == []
    assert len(shop.world.message(order, Channel.EMAIL)["attempts"]) == 1


def test_what_broke_off_at_one_is_not_sent_by_the_other(shop: Shop) -> None:
    shop.first.script(Ambiguous("timed out"))
    order = shop.mail()
    shop.wait(0)
    shop.dice = 0.9
    shop.wait(3600)
    assert shop.status(order) == "unknown"
    assert shop.second.messages == []


def test_the_other_takes_over_and_the_first_comes_back_after_a_probe(shop: Shop) -> None:
    shop.first.script(BROKEN, BROKEN, BROKEN)
    orders = [shop.mail() for _ in range(3)]
    shop.wait(0)
    assert len(shop.first.batches) == 3
    orders += [shop.mail() for _ in range(2)]
    shop.wait(0)
    assert len(shop.second.batches) == 2
    shop.wait(10)
    assert len(shop.second.batches) == 5
    assert {shop.status(order) for order in orders} == {"sent"}
    assert shop.world.message(orders[0], Channel.EMAIL)["provider"] == "smtp"
    shop.wait(FIRST_PAUSE)
    for _ in range(3):
        shop.mail()
        shop.wait(0)
    assert len(shop.first.batches) > 3


def test_while_one_asks_to_wait_the_other_takes_over(shop: Shop) -> None:
    shop.first.script(LIMITED)
    held = shop.mail()
    shop.wait(0)
    assert shop.status(held) == "sending"
    next_one = shop.mail()
    shop.wait(1)
    assert (shop.status(next_one), len(shop.second.batches)) == ("sent", 1)
    shop.wait(60)
    assert shop.status(held) == "sent"


def test_a_provider_that_takes_one_at_a_time_does_not_part_newsletters(shop: Shop) -> None:
    shop.second.most = 1
    news = Newsroom(shop.world)
    for name in "ABCDE":
        news.reader(name)
    shop.dice = 0.9
    news.send()
    news.finish()
    assert [len(batch) for batch in shop.first.batches] == [5]
    assert shop.second.batches == []
    order = shop.mail()
    shop.wait(0)
    assert (shop.status(order), len(shop.second.batches)) == ("sent", 1)


def test_it_takes_over_newsletters_where_nobody_else_may_be_used(shop: Shop) -> None:
    shop.second.most = 1
    news = Newsroom(shop.world)
    for name in "ABCDE":
        news.reader(name)
    shop.first.script(BROKEN, BROKEN, BROKEN)
    for _ in range(3):
        shop.mail()
        shop.world.deliver(Lane.URGENT)
    campaign = news.send()
    news.finish()
    assert news.progress(campaign) == {"total": 5, "sent": 5}
    assert len(shop.first.batches) == 3
    assert {len(batch) for batch in shop.second.batches} == {1}


def test_what_a_limit_holds_back_waits_without_a_try(world: World, tmp_path: Path) -> None:
    shop = Shop(world, tmp_path, ProviderLimits({("texts", None): Limits(per_second=2)}))
    orders = [shop.text() for _ in range(3)]
    shop.wait(0)
    assert len(world.sms.messages) == 1
    waiting = [order for order in orders if shop.status(order, Channel.SMS) != "sent"]
    assert [world.message(order, Channel.SMS)["attempts"] for order in waiting] == [[], []]
    shop.wait(0.51)
    assert len(world.sms.messages) == 2
    shop.wait(0.51)
    shop.wait(0.51)
    assert len(world.sms.messages) == 3
    assert {shop.status(order, Channel.SMS) for order in orders} == {"sent"}


def test_places_are_given_back_after_every_call(world: World, tmp_path: Path) -> None:
    shop = Shop(world, tmp_path, ProviderLimits({("texts", None): Limits(concurrent=3)}))
    for _ in range(10):
        shop.text()
        shop.wait(0)
    assert len(world.sms.messages) == 10


def test_no_more_sms_than_the_day_allows(database_url: str, tmp_path: Path) -> None:
    world = World(settings_for(database_url, tmp_path / "data", sms_daily_limit=3))
    orders = [world.order() for _ in range(5)]
    world.work()
    found = [world.message(order, Channel.SMS) for order in orders]
    assert [one["status"] for one in found].count("sent") == 3
    skipped = [one for one in found if one["status"] == "skipped"]
    assert [one["reason"] for one in skipped] == ["budget", "budget"]
    assert skipped[0]["explanation"] == "Not sent: the limit of SMS for the day was reached."
    assert len(world.sms.messages) == 3
    assert len(world.email.messages) == 5
    world.clock.advance(timedelta(hours=12))
    tomorrow = world.order(channels=(Channel.SMS,))
    world.work()
    assert world.message(tomorrow, Channel.SMS)["status"] == "sent"
    world.parts.close()
