"""A batch is one call, but each of its messages has a fate of its own where it differs."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from notify.domain.catalogue import Channel
from notify.domain.outcome import Accepted, Ambiguous, Outcome, Refused, Transient
from notify.domain.outgoing import OutgoingEmail
from notify.domain.requests import Lane
from notify.usecases.delivery.dispatch_work import Work
from tests.campaigns import Newsroom
from tests.doubles import FakeProvider
from tests.world import CLICK, World


@pytest.fixture
def news(world: World) -> Newsroom:
    """Give a newsroom with five readers, once on each engine."""
    found = Newsroom(world)
    for name in "ABCDE":
        found.reader(name)
    return found


class OneAnswer(FakeProvider[OutgoingEmail]):
    """Gives the messages of its next call the outcomes scripted by address, `ok` where none is."""

    def __init__(self, ok: Outcome, **by_name: Outcome) -> None:
        super().__init__(name="mail")
        self.ok = ok
        self.by_name = by_name

    def send(self, batch: Sequence[OutgoingEmail]) -> Sequence[Outcome]:
        self.batches.append(list(batch))
        found = [self.by_name.get(one.to[0], self.ok) for one in batch]
        self.by_name = {}
        return found


def messages(world: World, campaign: str) -> dict[str, Any]:
    page = world.parts.lookups.messages(campaign_id=campaign)
    return {str(one["recipient_id"]): one for one in page["items"]}


def test_what_all_share_is_written_once(world: World, news: Newsroom) -> None:
    world.email = OneAnswer(Accepted("call-1"))
    campaign = news.send()
    news.finish()
    found = messages(world, campaign)
    assert {one["status"] for one in found.values()} == {"sent"}
    assert {one["provider_message_id"] for one in found.values()} == {"call-1"}
    assert all([try_["outcome"] for try_ in one["attempts"]] == ["accepted"] for one in found.values())
    with world.parts.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM attempts")) == 1
        assert connection.scalar(text("SELECT count(*) FROM messages WHERE status = 'queued'")) == 5


def test_each_outcome_of_a_call_finds_its_message(world: World, news: Newsroom) -> None:
    world.email = OneAnswer(Accepted("call-1"), b=Refused("no such mailbox"), d=Transient("later"))
    campaign = news.send()
    news.pump()
    assert world.deliver(Lane.BULK) == 1
    assert news.progress(campaign) == {"total": 5, "sent": 3, "failed": 1, "sending": 1}
    found = messages(world, campaign)
    assert (found["B"]["detail"], found["D"]["status"]) == ("no such mailbox", "sending")
    assert [one["outcome"] for one in found["B"]["attempts"]] == ["refused"]
    world.clock.advance(timedelta(minutes=1))
    world.deliver(Lane.BULK)
    assert [one.to for one in world.email.batches[1]] == ["d@example.com"]
    assert news.progress(campaign) == {"total": 5, "sent": 4, "failed": 1}
    assert [one["outcome"] for one in messages(world, campaign)["D"]["attempts"]] == ["transient", "accepted"]


def test_a_call_that_was_not_taken_is_made_again_as_a_whole(world: World, news: Newsroom) -> None:
    world.email = OneAnswer(Transient("busy", retry_after=30.0))
    campaign = news.send()
    news.pump()
    world.deliver(Lane.BULK)
    assert world.throttle.held[0][2] == 30.0
    assert news.progress(campaign) == {"total": 5, "sending": 5}
    world.email = OneAnswer(Accepted("call-2"))
    world.clock.advance(timedelta(minutes=1))
    world.deliver(Lane.BULK)
    assert len(world.email.batches[0]) == 5
    attempts = messages(world, campaign)["A"]["attempts"]
    assert [one["outcome"] for one in attempts] == ["transient", "accepted"]


def test_a_call_is_taken_apart_over_several_tries(world: World, news: Newsroom) -> None:
    """Where there is no time to find whom it is refused for, the next try does not begin all over."""
    first, second = Transient("not called in time", part=0), Transient("not called in time", part=3)
    world.email = OneAnswer(first, d=second, e=second)
    campaign = news.send()
    news.pump()
    world.deliver(Lane.BULK)
    assert news.progress(campaign) == {"total": 5, "sending": 5}
    world.email = OneAnswer(Accepted("call-2"))
    world.clock.advance(timedelta(seconds=6))
    world.deliver(Lane.BULK, 2)
    assert sorted(len(batch) for batch in world.email.batches) == [2, 3]
    assert news.progress(campaign) == {"total": 5, "sent": 5}
    assert [one["outcome"] for one in messages(world, campaign)["E"]["attempts"]] == ["transient", "accepted"]


def test_a_call_nobody_knows_of_is_never_made_again(world: World, news: Newsroom) -> None:
    world.email = OneAnswer(Ambiguous("no answer in time"))
    campaign = news.send()
    news.finish()
    world.clock.advance(timedelta(days=2))
    world.reconcile()
    news.finish()
    assert news.progress(campaign) == {"total": 5, "unknown": 5}
    assert len(world.email.batches) == 1


def test_a_worker_lost_in_mid_call_leaves_its_batch_unknown(world: World, news: Newsroom) -> None:
    campaign = news.send()
    news.pump()
    prepared = world.deliver.prepare(Lane.BULK, 1)
    assert news.progress(campaign) == {"total": 5, "sending": 5}
    world.clock.advance(timedelta(seconds=21))
    assert world.reconcile().unknown == 5
    assert news.progress(campaign) == {"total": 5, "unknown": 5}
    world.deliver.send(prepared.works[0])  # it was only slow, and tells after all
    world.deliver.record(prepared.works)
    assert news.progress(campaign) == {"total": 5, "sent": 5}


def test_who_leaves_between_pump_and_gate_is_dropped_from_the_batch(world: World, news: Newsroom) -> None:
    news.send()
    news.finish()
    token = world.email.messages[1].headers["List-Unsubscribe"].split("/u/")[1].split(">")[0]
    campaign = news.send()
    news.pump()
    world.parts.unsubscribe(token, CLICK, "fr")
    world.email.batches.clear()
    news.finish()
    assert sorted(one.to[0] for one in world.email.messages) == ["a", "c", "d", "e"]
    found = messages(world, campaign)["B"]
    assert (found["status"], found["reason"], found["attempts"]) == ("skipped", "unsubscribed", [])
    assert news.progress(campaign) == {"total": 5, "sent": 4, "skipped": 1}


def test_an_erased_reader_is_dropped_and_the_numbers_still_add_up(world: World, news: Newsroom) -> None:
    campaign = news.send()
    news.pump()
    world.parts.erase_recipient("C")
    news.finish()
    assert sorted(one.to[0] for one in world.email.messages) == ["a", "b", "d", "e"]
    assert news.progress(campaign) == {"total": 4, "sent": 4}


def test_a_corrected_address_is_written_to_by_itself(world: World, news: Newsroom) -> None:
    campaign = news.send()
    news.pump()
    pass_through = world.gate.pass_through

    def corrected_before(works: Sequence[Work]) -> None:
        world.gate.pass_through = pass_through  # type: ignore[method-assign]
        news.stranger("A", email="anew@example.com")
        pass_through(works)

    world.gate.pass_through = corrected_before  # type: ignore[method-assign]
    news.finish()
    assert min(one.to for one in world.email.messages) == "anew@example.com"
    assert len(world.email.messages) == 5
    assert news.progress(campaign) == {"total": 5, "sent": 5}


def test_what_limits_send_away_waits_and_nothing_is_counted_as_a_try(world: World, news: Newsroom) -> None:
    campaign = news.send()
    news.pump()
    world.throttle.waits["mail"] = 3.0
    prepared = world.deliver.prepare(Lane.BULK, 1)
    assert (prepared.claimed, len(prepared.works), prepared.pause) == (1, 0, 3.0)
    world.deliver.record(prepared.idle)
    assert world.deliver.prepare(Lane.BULK, 1).claimed == 0
    assert news.progress(campaign) == {"total": 5, "queued": 5}  # and not back to `scheduled`
    world.throttle.waits.clear()
    world.clock.advance(timedelta(seconds=4))
    news.finish()
    assert news.progress(campaign) == {"total": 5, "sent": 5}
    assert len(messages(world, campaign)["A"]["attempts"]) == 1
    assert world.throttle.flying == []


def test_a_gate_that_fails_gives_the_places_of_its_calls_back(world: World, news: Newsroom) -> None:
    news.send()
    news.pump()

    def fails(works: Sequence[Work]) -> None:
        raise ValueError("odd")

    world.gate.pass_through = fails  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="odd"):
        world.deliver(Lane.BULK)
    assert world.throttle.flying == []


def test_many_orders_pass_the_gate_together(world: World) -> None:
    for number in range(5):
        world.order(
            recipient=f"G-{number}", profile={"email": f"g{number}@example.com"}, channels=(Channel.EMAIL,)
        )
    assert world.deliver(Lane.URGENT, 64) == 5
    assert len(world.email.batches) == 5


def test_texts_over_the_budget_of_the_day_are_skipped(world: World) -> None:
    world.gate._sms_daily_limit = 2  # noqa: SLF001 - as SMS_DAILY_LIMIT sets it
    sent = [
        world.order(
            recipient=f"G-{number}", profile={"phone": f"+22177123456{number}"}, channels=(Channel.SMS,)
        )
        for number in range(3)
    ]
    world.work()
    found = [world.message(one, Channel.SMS) for one in sent]
    assert [(one["status"], one["reason"]) for one in found] == [
        ("sent", None),
        ("sent", None),
        ("skipped", "budget"),
    ]


def test_what_is_more_than_a_provider_takes_is_parted_into_calls(world: World, news: Newsroom) -> None:
    world.email = FakeProvider(name="mail", most=2)
    campaign = news.send()
    news.pump()
    assert world.deliver(Lane.BULK) == 1
    assert world.email.batches == []
    assert news.progress(campaign) == {"total": 5, "queued": 5}
    news.finish()
    assert [len(batch) for batch in world.email.batches] == [2, 2, 1]
    assert news.progress(campaign) == {"total": 5, "sent": 5}


def test_a_message_that_is_moved_takes_along_what_was_tried(world: World, news: Newsroom) -> None:
    world.email = OneAnswer(Transient("busy"), b=Accepted("call-1"))
    campaign = news.send()
    news.pump()
    world.deliver(Lane.BULK)
    world.email = OneAnswer(Accepted("call-2"))
    world.clock.advance(timedelta(minutes=1))
    news.finish()
    found = messages(world, campaign)
    assert [one["outcome"] for one in found["A"]["attempts"]] == ["transient", "accepted"]
    assert [one["outcome"] for one in found["B"]["attempts"]] == ["accepted"]


def test_what_was_lost_and_then_refused_does_not_begin_a_finished_campaign_again(
    world: World, news: Newsroom
) -> None:
    world.email = OneAnswer(Transient("busy"))
    campaign = news.send()
    news.pump()
    prepared = world.deliver.prepare(Lane.BULK, 1)
    world.clock.advance(timedelta(seconds=21))
    world.reconcile()
    news.pump()
    assert news.look(campaign)["status"] == "sent"
    world.deliver.send(prepared.works[0])
    world.deliver.record(prepared.works)
    assert news.progress(campaign) == {"total": 5, "failed": 5}
    assert messages(world, campaign)["A"]["detail"] == "busy"


def test_a_marketing_sender_that_is_held_back_holds_back_no_order(world: World, news: Newsroom) -> None:
    campaign = news.draft()
    news.desk.test(campaign["id"], ["team@example.com"])
    order = world.order(recipient="G", profile={"email": "g@example.com"}, channels=(Channel.EMAIL,))
    with world.parts.engine.begin() as connection:
        connection.execute(text("UPDATE dispatches SET lane = 'normal'"))
    world.throttle.waits["mail"] = 9.0
    assert world.deliver(Lane.NORMAL) == 1
    world.throttle.waits.clear()
    assert world.deliver(Lane.NORMAL) == 1
    assert world.message(order, Channel.EMAIL)["status"] == "sent"


def test_what_ends_in_the_outbox_spends_nothing_of_the_budget(world: World) -> None:
    world.gate._sms_daily_limit = 1  # noqa: SLF001 - as SMS_DAILY_LIMIT sets it
    world.order(recipient="T", profile={"phone": "+221771234560"}, channels=(Channel.SMS,), test=True)
    real = world.order(recipient="G", profile={"phone": "+221771234561"}, channels=(Channel.SMS,))
    world.work()
    assert world.message(real, Channel.SMS)["status"] == "sent"


def test_newsletters_leave_a_fifth_of_the_budget_to_orders(world: World) -> None:
    news = Newsroom(world)
    for number in range(6):
        news.reader(f"S{number}", channels=(Channel.SMS,), phone=f"+3361234567{number}")
    world.gate._sms_daily_limit = 5  # noqa: SLF001 - as SMS_DAILY_LIMIT sets it
    campaign = news.send(channels=(Channel.SMS,))
    news.finish()
    assert news.progress(campaign) == {"total": 6, "sent": 4, "skipped": 2}
    order = world.order(recipient="G", profile={"phone": "+221771234561"}, channels=(Channel.SMS,))
    world.work()
    assert world.message(order, Channel.SMS)["status"] == "sent"
