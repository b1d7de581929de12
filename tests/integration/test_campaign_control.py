"""Pausing, cancelling and stopping campaigns is exact, and nothing that dies is lost or doubled."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from notify.domain.campaigns import Schedule
from notify.domain.catalogue import Channel
from notify.domain.delivery import Claimed
from notify.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from notify.domain.outcome import Transient
from notify.domain.requests import Choice, Lane, Proof
from notify.storage.engine import transaction
from notify.storage.store import SqlStore, SqlTransaction
from notify.storage.tables import Dispatch, Message
from tests.campaigns import CONTENT, Newsroom
from tests.world import World, settings_for


@pytest.fixture
def news(world: World) -> Newsroom:
    """Give a newsroom whose slices are of one recipient, once on each engine."""
    return Newsroom(world, largest_slice=1)


def _readers(news: Newsroom, count: int) -> None:
    for number in range(count):
        news.reader(f"R-{number}")


def _claim(world: World) -> list[Claimed]:
    now = world.clock()
    with world.parts.store.write() as tx:
        return tx.deliveries.claim(Lane.BULK, list(Channel), 9, now, now + timedelta(seconds=30))


def test_a_pause_takes_effect_before_its_answer(world: World, news: Newsroom) -> None:
    """What a worker has claimed already finds nothing at its gate."""
    _readers(news, 2)
    campaign = news.send()
    news.run()
    news.run()
    claimed = _claim(world)
    assert claimed
    assert news.desk.pause(campaign)["status"] == "paused"
    with world.parts.store.write() as tx:
        assert tx.deliveries.at_gate(claimed) == []
    news.finish()
    world.reconcile()
    news.finish()
    assert not world.email.messages
    assert news.progress(campaign) == {"total": 2, "pending": 1, "queued": 1}
    news.desk.resume(campaign)
    news.finish()
    assert news.progress(campaign) == {"total": 2, "sent": 2}
    assert len(world.email.messages) == 2


def test_what_comes_back_from_a_call_waits_while_its_campaign_is_paused(world: World, news: Newsroom) -> None:
    _readers(news, 1)
    campaign = news.send()
    news.pump()
    world.email.script(Transient("busy"))
    works = world.deliver.prepare(Lane.BULK, 5).works
    for work in works:
        world.deliver.send(work)
    news.desk.pause(campaign)
    world.deliver.record(works)
    world.clock.advance(timedelta(hours=1))
    news.finish()
    assert len(world.email.messages) == 1
    news.desk.resume(campaign)
    news.finish()
    assert len(world.email.messages) == 2
    assert news.progress(campaign) == {"total": 1, "sent": 1}


def test_a_pause_waits_for_who_is_just_putting_something_back(postgres_url: str, tmp_path: Path) -> None:
    world = World(settings_for(postgres_url, tmp_path))
    news = Newsroom(world)
    _readers(news, 1)
    campaign = news.send()
    news.pump()
    world.email.script(Transient("busy"))
    (work,) = world.deliver.prepare(Lane.BULK, 5).works
    world.deliver.send(work)
    with ThreadPoolExecutor(1) as pool:
        with world.parts.store.write() as tx:
            tx.deliveries.record([work.sum_up()], world.clock())
            pausing = pool.submit(news.desk.pause, campaign)
            with pytest.raises(TimeoutError):
                pausing.result(0.3)
        assert pausing.result(10)["status"] == "paused"
    world.clock.advance(timedelta(hours=1))
    assert _claim(world) == []
    news.desk.resume(campaign)
    assert _claim(world)
    world.parts.close()


def test_what_comes_back_from_a_call_is_dropped_when_its_campaign_was_cancelled(
    world: World, news: Newsroom
) -> None:
    _readers(news, 1)
    campaign = news.send()
    news.pump()
    world.email.script(Transient("busy"))
    works = world.deliver.prepare(Lane.BULK, 5).works
    for work in works:
        world.deliver.send(work)
    news.desk.cancel(campaign)
    world.deliver.record(works)
    news.watch()
    world.clock.advance(timedelta(hours=1))
    news.finish()
    assert len(world.email.messages) == 1
    assert news.progress(campaign) == {"total": 1, "cancelled": 1}


def test_a_cancelled_campaign_sends_nothing_more(world: World, news: Newsroom) -> None:
    _readers(news, 3)
    campaign = news.send()
    for _ in range(3):
        news.run()
    assert world.deliver(Lane.BULK)
    news.run()
    before = len(world.email.messages)
    found = news.desk.cancel(campaign)
    assert found["status"] == "cancelled"
    assert found["finished_at"]
    news.finish()
    assert len(world.email.messages) == before
    assert news.progress(campaign) == {"total": 3, "sent": before, "cancelled": 3 - before}


def test_illegal_moves_are_conflicts(world: World, news: Newsroom) -> None:
    draft = news.draft()["id"]
    acts: list[Callable[[str], object]] = [news.desk.pause, news.desk.resume, news.desk.unschedule]
    for act in acts:
        with pytest.raises(ConflictError):
            act(draft)
    news.desk.schedule(draft, Schedule(world.clock() + timedelta(days=1)))
    with pytest.raises(ConflictError):
        news.desk.schedule(draft, Schedule())
    with pytest.raises(ConflictError):
        news.desk.pause(draft)
    news.desk.cancel(draft)
    acts.append(news.desk.cancel)
    for act in acts:
        with pytest.raises(ConflictError):
            act(draft)
    with pytest.raises(ConflictError):
        news.desk.patch(draft, {"throttle": 5})


class _LostError(Exception):
    """A pump that dies."""


class _DyingStore(SqlStore):
    """A store whose user dies when all is written, just before the commit."""

    @contextmanager
    def write(self) -> Iterator[SqlTransaction]:
        with super().write() as tx:
            yield tx
            raise _LostError


def test_a_pump_that_dies_in_a_slice_leaves_nothing_half_done(world: World, news: Newsroom) -> None:
    _readers(news, 3)
    campaign = news.send()
    news.run()
    news.run()
    with pytest.raises(_LostError):
        Newsroom(world, largest_slice=1, store=_DyingStore(world.parts.engine, world.parts.vault)).run()
    assert news.progress(campaign) == {"total": 3, "pending": 2, "queued": 1}
    Newsroom(world, largest_slice=1).finish()
    assert news.progress(campaign) == {"total": 3, "sent": 3}
    assert len({one.to for one in world.email.messages}) == len(world.email.messages) == 3


def test_two_pumps_at_once_make_one_message_each(world: World, news: Newsroom) -> None:
    _readers(news, 12)
    campaign = news.send()
    with ThreadPoolExecutor(3) as pool:
        for pump in [pool.submit(Newsroom(world, largest_slice=1).pump) for _ in range(3)]:
            pump.result(30)
    news.finish()
    assert news.progress(campaign) == {"total": 12, "sent": 12}
    assert len({one.to for one in world.email.messages}) == len(world.email.messages) == 12


def test_a_campaign_that_cannot_go_on_holds_up_no_other(world: World, news: Newsroom) -> None:
    _readers(news, 1)
    broken = news.send()
    good = news.send()
    with world.parts.store.write() as tx:
        tx.campaigns.change(int(broken[4:]), {"pinned": None}, world.clock())
    while news.look(broken)["status"] == "scheduled":
        news.run()
    news.pump()
    assert news.progress(good) == {"total": 1, "queued": 1}
    assert news.look(broken)["status"] == "sending"
    report = world.parts.backlog.report(world.clock())
    assert report.campaigns == {"scheduled": 0, "sending": 2, "paused": 0}
    (alert,) = report.alerts
    assert (alert.kind, alert.details) == ("campaign_failing", {"campaign": broken, "error": "LookupError"})
    assert "campaigns" in report.beats


def test_a_campaign_stops_itself_and_goes_on_when_a_person_says_so(world: World, news: Newsroom) -> None:
    news = Newsroom(world)
    _readers(news, 4)
    campaign = news.send()
    news.pump()
    assert world.deliver(Lane.BULK)
    # As if there were a thousand more of them, and four had complained.
    with transaction(world.parts.engine, write=True) as connection:
        connection.execute(update(Message).values(status="complained"))
        connection.execute(update(Dispatch).values(size=1000))
    assert news.watch() == 1
    found = news.look(campaign)
    assert (found["status"], found["reason"]) == ("paused", "complaints")
    assert news.watch() == 0
    assert news.desk.resume(campaign)["status"] == "sending"
    assert news.watch() == 0
    with transaction(world.parts.engine, write=True) as connection:
        connection.execute(update(Message).values(status="bounced"))
        connection.execute(update(Dispatch).values(size=76))
    assert news.watch() == 0  # far too few to judge
    news.finish()
    assert news.look(campaign)["status"] == "sent"


def test_a_test_goes_to_the_addresses_named_and_changes_nothing(world: World, news: Newsroom) -> None:
    news.reader("A")
    campaign = news.draft(channels=(Channel.EMAIL, Channel.SMS))["id"]
    made = news.desk.test(campaign, ["Boss@example.com", "+33612345678"])
    assert [one["channel"] for one in made["messages"]] == ["email", "sms"]
    world.work()
    (mail,) = world.email.messages
    assert (mail.to, mail.subject) == ("Boss@example.com", "[Test] Les nouvelles")
    (text,) = world.sms.messages
    assert text.to == "+33612345678"
    assert news.progress(campaign) == {}
    assert news.look(campaign)["status"] == "draft"
    shown = world.parts.lookups.message(made["messages"][0]["id"], "en")
    assert (shown["status"], shown["recipient_id"]) == ("sent", None)
    news.desk.schedule(campaign, Schedule())
    news.finish()
    assert news.progress(campaign) == {"total": 1, "sent": 1}
    # Somebody who got a test gets the newsletter as well.
    news.desk.test(campaign, ["a@example.com"], "en")
    world.work()
    assert world.email.messages[-1].subject == "[Test] The news"


def test_erasing_somebody_erases_tests_to_their_address(world: World, news: Newsroom) -> None:
    news.reader("A")
    campaign = news.draft()["id"]
    made = news.desk.test(campaign, ["a@example.com", "b@example.com"])["messages"]
    world.work()
    world.parts.erase_recipient("A")
    with pytest.raises(NotFoundError):
        world.parts.lookups.message(made[0]["id"], "en")
    assert world.parts.lookups.message(made[1]["id"], "en")["status"] == "sent"


@pytest.mark.parametrize("trace", ["message", "opt-out"])
def test_erasing_somebody_erases_tests_to_an_address_they_had(
    world: World, news: Newsroom, trace: str
) -> None:
    news.reader("A", email="old@example.com")
    if trace == "message":
        world.order(recipient="A", channels=(Channel.EMAIL,), profile={})
        world.work()
    else:
        world.parts.change_preferences(
            "A", [Choice("company_news", Channel.EMAIL, subscribed=False)], Proof(source="x", wording="y")
        )
    campaign = news.draft()["id"]
    made = news.desk.test(campaign, ["old@example.com", "b@example.com"])["messages"]
    world.work()
    news.stranger("A", email="new@example.com")
    world.parts.erase_recipient("A")
    with pytest.raises(NotFoundError):
        world.parts.lookups.message(made[0]["id"], "en")
    assert world.parts.lookups.message(made[1]["id"], "en")["status"] == "sent"


def test_a_test_shows_a_draft_as_it_is_now(world: World, news: Newsroom) -> None:
    campaign = news.draft()["id"]
    news.desk.test(campaign, ["boss@example.com"])
    world.work()
    news.desk.patch(campaign, {"content": {"fr": {**CONTENT["fr"], "subject": "Mieux"}}})
    news.desk.test(campaign, ["boss@example.com"])
    world.work()
    assert [one.subject for one in world.email.messages] == ["[Test] Les nouvelles", "[Test] Mieux"]


def test_addresses_of_a_test_are_checked_all_of_them(news: Newsroom) -> None:
    campaign = news.draft()["id"]
    with pytest.raises(InvalidRequestError) as refused:
        news.desk.test(campaign, ["boss@example.com", "boss@", "+33612345678"])
    assert [one.pointer for one in refused.value.problems] == ["/to/1", "/to/2"]
    assert "boss" not in str(refused.value)
    for to in ([], ["a@example.com"] * 11):
        with pytest.raises(InvalidRequestError):
            news.desk.test(campaign, to)
    news.desk.cancel(campaign)
    with pytest.raises(ConflictError):
        news.desk.test(campaign, ["boss@example.com"])
