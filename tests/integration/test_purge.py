"""What has served is deleted, and nothing else."""

from datetime import timedelta

import pytest

from notify.domain.campaigns import Schedule
from notify.domain.catalogue import Channel
from notify.domain.errors import InvalidTokenError
from notify.providers.outbox import OutboxProvider
from notify.storage.rotation import rotate
from tests.campaigns import Newsroom
from tests.world import CLICK, EMAIL, World


def test_keys_and_undos_go_when_their_time_is_over(world: World) -> None:
    first = world.order(key="k")
    world.work()
    undo = world.parts.unsubscribe(world.opt_out_token(Channel.EMAIL), CLICK, "fr").undo
    world.clock.advance(timedelta(days=7))
    assert world.parts.purge() == 1  # the undo
    assert world.order(key="k") == first
    assert undo
    with pytest.raises(InvalidTokenError):
        world.parts.undo(undo, CLICK, "fr")
    world.clock.advance(timedelta(days=2))
    assert world.parts.purge() == 1
    assert world.order(key="k")["id"] != first["id"]


def test_counts_of_sms_go_after_three_months(world: World) -> None:
    today = world.clock().date()
    with world.parts.store.write() as tx:
        for days in (0, 90, 91):
            tx.sms_budget.spend(today - timedelta(days=days), 1, 5)
    assert world.parts.purge() == 1
    assert world.parts.purge() == 0


def test_addresses_of_tests_go_after_a_month(world: World) -> None:
    news = Newsroom(world)
    outbox = world.parts.outbox
    world.email.send = OutboxProvider(outbox).send  # type: ignore[method-assign]
    campaign = news.draft()["id"]
    (old,) = news.desk.test(campaign, ["boss@example.com"])["messages"]
    world.work()
    order = world.order(channels=(Channel.EMAIL,))
    world.work()
    stuck = news.desk.test(campaign, ["late@example.com"])["messages"]
    world.clock.advance(timedelta(days=30))
    assert world.parts.purge() == 0
    news.desk.test(campaign, ["new@example.com"])
    world.clock.advance(timedelta(seconds=1))
    assert world.parts.purge() == 2  # the address, and the copy
    assert world.parts.purge() == 0
    assert [entry.message.to for entry in outbox.entries(None, 9)] == [EMAIL]
    assert rotate(world.parts.engine, world.parts.vault, lambda _column, _count: None) == 0
    assert world.parts.lookups.message(old["id"], "en")["status"] == "sent"
    world.work()  # what has not left yet still knows where to
    assert world.parts.lookups.message(stuck[0]["id"], "en")["status"] == "sent"
    assert world.message(order, Channel.EMAIL)["status"] == "sent"
    # Who got a test still gets the newsletter, once.
    news.reader("A", email="boss@example.com")
    news.desk.schedule(campaign, Schedule())
    news.finish()
    assert news.progress(campaign) == {"total": 1, "sent": 1}
