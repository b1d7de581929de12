"""The one door: what goes, what does not, and what becomes of it when something breaks."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from notify.domain.catalogue import Channel
from notify.domain.delivery import Claimed, Record, Settled
from notify.domain.errors import InvalidRequestError, UnavailableError
from notify.domain.outcome import Ambiguous, Outcome, Refused, Transient
from notify.domain.outgoing import OutgoingEmail
from notify.domain.requests import Lane, NotificationRequest, RecipientInput, Routing
from notify.domain.status import Status
from notify.store import Transaction
from tests.doubles import FakeProvider
from tests.world import CLICK, EMAIL, PHONE, World


def test_an_order_reaches_both_channels_with_its_links(world: World) -> None:
    answer = world.order()
    assert world.work() == 2
    (mail,), (text,) = world.email.messages, world.sms.messages
    assert (mail.to, text.to) == (EMAIL, PHONE)
    token = world.opt_out_token(Channel.EMAIL)
    assert mail.headers["List-Unsubscribe"] == f"<https://notify.example.org/u/{token}>"
    assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail.headers["Auto-Submitted"] == "auto-generated"
    assert mail.headers["List-Id"] == "<order_updates.smarttontine.org>"
    assert f"/u/{token}" in mail.html
    assert f"/u/{token}" in mail.text
    assert "https://notify.example.org/u/" in text.text
    view = world.message(answer, Channel.EMAIL)
    assert (view["status"], view["provider"]) == ("sent", "mail")
    assert view["basis"]["regime"] == "contract"
    assert [one["outcome"] for one in view["attempts"]] == ["accepted"]
    assert world.work() == 0


def test_a_test_key_ends_in_the_outbox(world: World) -> None:
    world.order(test=True)
    world.work()
    assert len(world.outbox.messages) == 2
    assert world.email.messages == []


def test_an_opt_out_stops_that_topic_on_that_channel_and_only_that(world: World) -> None:
    world.order()
    world.work()
    world.parts.unsubscribe(world.opt_out_token(Channel.SMS), CLICK, "fr")
    answer = world.order("order_delivered")
    assert [one["reason"] for one in answer["messages"]] == [None, "unsubscribed"]
    world.work()
    assert len(world.email.messages) == 2
    assert len(world.sms.messages) == 1
    sentence = world.message(answer, Channel.SMS)["explanation"]
    assert "Awa Diop" in sentence
    assert "99812" in sentence


def test_an_opt_out_stops_what_was_accepted_before_it(world: World) -> None:
    world.order()
    world.work()
    waiting = world.order("order_delivered", send_at=world.clock() + timedelta(days=90))
    world.parts.unsubscribe(world.opt_out_token(Channel.EMAIL), CLICK, "fr")
    world.clock.advance(timedelta(days=90))
    world.work()
    assert world.message(waiting, Channel.EMAIL)["reason"] == "unsubscribed"
    assert world.message(waiting, Channel.SMS)["status"] == "sent"


def test_an_opt_out_binds_the_address_under_every_recipient_id(world: World) -> None:
    world.order()
    world.work()
    world.parts.unsubscribe(world.opt_out_token(Channel.EMAIL), CLICK, "fr")
    guest = world.order(recipient="guest-7", profile={"email": EMAIL.upper()})
    assert guest["messages"][0]["reason"] == "unsubscribed"


def test_an_opt_out_between_check_and_gate_wins(world: World) -> None:
    answer = world.order(channels=(Channel.EMAIL,))
    other = world.order(recipient="guest-7", profile={"email": EMAIL}, channels=(Channel.EMAIL,))
    world.work()
    token = world.opt_out_token(Channel.EMAIL)
    assert other["status"] == "queued"
    again = world.order("order_delivered", channels=(Channel.EMAIL,))
    compose = world.deliver._composer  # noqa: SLF001 - the moment between check and gate

    class OptsOutMeanwhile:
        def email(self, letter: object) -> object:
            world.parts.unsubscribe(token, CLICK, "fr")
            return compose.email(letter)  # type: ignore[arg-type]

    world.deliver._composer = OptsOutMeanwhile()  # type: ignore[assignment]  # noqa: SLF001
    world.work()
    assert world.message(answer, Channel.EMAIL)["status"] == "sent"
    assert world.message(again, Channel.EMAIL)["reason"] == "unsubscribed"
    assert len(world.email.messages) == 2


def test_a_corrected_address_counts(world: World) -> None:
    world.order(channels=(Channel.EMAIL,))
    world.order(profile={"email": "awa@example.org"}, channels=(Channel.SMS,))
    world.work()
    assert [one.to for one in world.email.messages] == ["awa@example.org"]


def test_cancelling_stops_what_has_not_left(world: World) -> None:
    answer = world.order(channels=(Channel.EMAIL,))
    assert world.parts.cancel_notification(answer["id"])["status"] == "cancelled"
    assert world.work() == 1
    assert world.email.messages == []
    sent = world.order(channels=(Channel.SMS,))
    world.work()
    assert world.parts.cancel_notification(sent["id"])["status"] == "sent"


def test_a_delivered_parcel_supersedes_what_waits_for_it(world: World) -> None:
    waiting = world.order("order_out_for_delivery", send_at=world.clock() + timedelta(hours=3))
    foreign = world.order(
        "order_out_for_delivery", reference="order-1", send_at=world.clock() + timedelta(hours=3)
    )
    world.order("order_delivered")
    assert world.message(waiting, Channel.SMS)["reason"] == "superseded"
    assert world.message(foreign, Channel.SMS)["status"] == "scheduled"


def test_what_no_longer_makes_sense_expires(world: World) -> None:
    answer = world.order("order_out_for_delivery")
    world.clock.advance(timedelta(hours=13))
    world.work()
    assert world.message(answer, Channel.EMAIL)["status"] == "expired"
    assert world.email.messages == []


def test_a_late_order_sms_waits_for_the_morning(world: World) -> None:
    world.clock.at = datetime(2026, 11, 23, 21, 30, tzinfo=UTC)  # 21:30 in Dakar
    answer = world.order(channels=(Channel.SMS,))
    world.clock.advance(timedelta(hours=2))
    world.work()
    view = world.message(answer, Channel.SMS)
    assert (view["status"], view["reason"]) == ("scheduled", "outside_hours")
    assert view["scheduled_for"] == "2026-11-24T08:00:00.000Z"
    world.clock.at = datetime(2026, 11, 24, 8, 0, 1, tzinfo=UTC)
    world.work()
    assert world.message(answer, Channel.SMS)["status"] == "sent"


def test_a_transient_failure_is_tried_again_with_growing_pauses(world: World) -> None:
    world.email.script(Transient("busy"), Transient("busy", retry_after=120.0))
    answer = world.order(channels=(Channel.EMAIL,))
    world.work()
    assert world.message(answer, Channel.EMAIL)["status"] == "sending"
    assert world.work() == 0
    world.clock.advance(timedelta(seconds=6))
    world.work()
    world.clock.advance(timedelta(seconds=100))
    assert world.work() == 0
    world.clock.advance(timedelta(seconds=140))
    world.work()
    view = world.message(answer, Channel.EMAIL)
    assert view["status"] == "sent"
    assert [one["outcome"] for one in view["attempts"]] == ["transient", "transient", "accepted"]


def test_retries_end_after_a_day(world: World) -> None:
    answer = world.order("order_refunded", channels=(Channel.EMAIL,))
    for _ in range(200):
        world.email.script(Transient("busy"))
    for _ in range(60):
        world.work()
        world.clock.advance(timedelta(minutes=31))
    view = world.message(answer, Channel.EMAIL)
    assert view["status"] == "failed"
    assert "busy" in (view["detail"] or "")


def test_a_refusal_ends_at_once_with_the_providers_reason(world: World) -> None:
    world.sms.script(Refused("21614: not a mobile number"))
    answer = world.order(channels=(Channel.SMS,))
    world.work()
    view = world.message(answer, Channel.SMS)
    assert (view["status"], view["detail"]) == ("failed", "21614: not a mobile number")


def test_an_ambiguous_call_is_unknown_and_never_repeated(world: World) -> None:
    world.email.script(Ambiguous("time-out after the body was sent"))
    answer = world.order(channels=(Channel.EMAIL,))
    for _ in range(5):
        world.work()
        world.clock.advance(timedelta(hours=1))
        world.reconcile()
    assert world.message(answer, Channel.EMAIL)["status"] == "unknown"
    assert len(world.email.messages) == 1


def test_fallback_turns_to_the_next_channel_when_one_fails(world: World) -> None:
    world.sms.script(Refused("21610"))
    answer = world.order(channels=(Channel.SMS, Channel.EMAIL), routing=Routing.FALLBACK)
    assert [one["channel"] for one in answer["messages"]] == ["sms"]
    world.work()
    current = world.parts.lookups.notification(answer["id"])
    assert [(one["channel"], one["status"]) for one in current["messages"]] == [
        ("sms", "failed"),
        ("email", "sent"),
    ]


def test_fallback_never_follows_an_unknown(world: World) -> None:
    world.sms.script(Ambiguous("reset"))
    answer = world.order(channels=(Channel.SMS, Channel.EMAIL), routing=Routing.FALLBACK)
    world.work()
    assert len(world.parts.lookups.notification(answer["id"])["messages"]) == 1


def test_a_claim_whose_worker_was_lost_goes_back_in_the_queue(world: World) -> None:
    answer = world.order(channels=(Channel.EMAIL,))
    now = world.clock()
    with world.parts.store.write() as tx:
        (lost,) = tx.deliveries.claim(Lane.URGENT, 5, now, now + timedelta(seconds=10))
    assert world.work() == 0
    world.clock.advance(timedelta(seconds=11))
    found = world.reconcile()
    assert (found.returned, found.unknown, found.woken) == (1, 0, 1)
    with world.parts.store.write() as tx:  # the lost worker comes back, too late
        assert tx.deliveries.lock_open(lost) == set()
    world.work()
    assert world.message(answer, Channel.EMAIL)["status"] == "sent"
    assert len(world.email.messages) == 1


def test_a_call_whose_worker_was_lost_is_unknown(world: World) -> None:
    answer = world.order(channels=(Channel.EMAIL,))
    now = world.clock()
    with world.parts.store.write() as tx:
        (claimed,) = tx.deliveries.claim(Lane.URGENT, 5, now, now + timedelta(seconds=10))
        assert len(tx.deliveries.lock_open(claimed)) == 1
        tx.deliveries.start_call(claimed, "mail", now + timedelta(seconds=20), {})
    world.clock.advance(timedelta(seconds=21))
    assert world.reconcile().unknown == 1
    view = world.message(answer, Channel.EMAIL)
    assert (view["status"], view["attempts"][0]["outcome"]) == ("unknown", "unknown")
    with world.parts.store.write() as tx:
        tx.deliveries.record(claimed, Record(), world.clock())
    assert world.work() == 0


def claim(world: World, seconds: float = 10) -> Claimed:
    now = world.clock()
    with world.parts.store.write() as tx:
        (claimed,) = tx.deliveries.claim(Lane.URGENT, 1, now, now + timedelta(seconds=seconds))
    return claimed


def test_a_worker_that_lost_its_lease_before_the_call_has_no_say(world: World) -> None:
    """It must not start the fallback a second time, nor overwrite what its successor does."""
    answer = world.order(
        "order_out_for_delivery", channels=(Channel.SMS, Channel.EMAIL), routing=Routing.FALLBACK
    )
    stale = claim(world)
    world.clock.advance(timedelta(seconds=11))
    world.reconcile()
    world.sms.script(Refused("21610"))
    world.work()
    stale_work = Record(settled=[Settled(stale.letters[0].message_id, Status.EXPIRED)])
    with world.parts.store.write() as tx:
        assert tx.deliveries.record(stale, stale_work, world.clock()) == set()
    messages = world.parts.lookups.notification(answer["id"])["messages"]
    assert [(one["channel"], one["status"]) for one in messages] == [("sms", "failed"), ("email", "sent")]


def test_a_call_that_outlived_its_lease_still_tells_what_came_of_it(world: World) -> None:
    answer = world.order(channels=(Channel.EMAIL,))

    class Slow(FakeProvider[OutgoingEmail]):
        def send(self, batch: Sequence[OutgoingEmail]) -> Sequence[Outcome]:
            world.clock.advance(timedelta(seconds=25))
            assert world.reconcile().unknown == 1
            return super().send(batch)

    world.email = Slow(Transient("connection refused"), name="mail")
    world.work()
    assert world.message(answer, Channel.EMAIL)["status"] == "sending"
    world.email = FakeProvider(name="mail")
    world.clock.advance(timedelta(seconds=10))
    world.work()
    view = world.message(answer, Channel.EMAIL)
    assert view["status"] == "sent"
    assert [one["outcome"] for one in view["attempts"]] == ["unknown", "transient", "accepted"]


def test_a_cancelled_notification_gets_no_fallback(world: World) -> None:
    answer = world.order(channels=(Channel.EMAIL, Channel.SMS), routing=Routing.FALLBACK)

    class CancelsMeanwhile(FakeProvider[OutgoingEmail]):
        def send(self, batch: Sequence[OutgoingEmail]) -> Sequence[Outcome]:
            world.parts.cancel_notification(answer["id"])
            return super().send(batch)

    world.email = CancelsMeanwhile(Refused("no such mailbox"), name="mail")
    world.work()
    assert len(world.parts.lookups.notification(answer["id"])["messages"]) == 1
    assert world.sms.messages == []


@pytest.mark.parametrize("seconds", [0, 25])
def test_what_was_cancelled_in_mid_call_is_not_tried_again(world: World, seconds: int) -> None:
    answer = world.order(channels=(Channel.EMAIL,))

    class CancelsMeanwhile(FakeProvider[OutgoingEmail]):
        def send(self, batch: Sequence[OutgoingEmail]) -> Sequence[Outcome]:
            world.parts.cancel_notification(answer["id"])
            world.clock.advance(timedelta(seconds=seconds))
            world.reconcile()
            return super().send(batch)

    world.email = CancelsMeanwhile(Transient("busy"), name="mail")
    world.work()
    world.clock.advance(timedelta(minutes=5))
    world.work()
    assert world.message(answer, Channel.EMAIL)["status"] == "cancelled"
    assert len(world.email.messages) == 1


def test_what_cannot_be_decrypted_expires_like_the_rest(world: World) -> None:
    answer = world.order("order_out_for_delivery", channels=(Channel.EMAIL,))
    with world.parts.engine.begin() as connection:
        connection.execute(text("UPDATE notifications SET data_sealed = :junk"), {"junk": b"\x01junk"})
    world.clock.advance(timedelta(hours=13))
    world.work()
    assert world.message(answer, Channel.EMAIL)["status"] == "expired"


def test_a_row_that_cannot_be_decrypted_does_not_stop_its_lane(world: World) -> None:
    broken = world.order(reference="broken", channels=(Channel.EMAIL,))
    with world.parts.engine.begin() as connection:
        connection.execute(text("UPDATE notifications SET data_sealed = :junk"), {"junk": b"\x01junk"})
    good = world.order(reference="good", channels=(Channel.EMAIL,))
    world.work()
    assert world.message(good, Channel.EMAIL)["status"] == "sent"
    assert world.message(broken, Channel.EMAIL)["status"] == "sending"


def test_a_dispatch_that_kills_its_workers_ends(world: World) -> None:
    answer = world.order("order_refunded", channels=(Channel.EMAIL,))
    for _ in range(21):
        claim(world)
        world.clock.advance(timedelta(seconds=11))
        world.reconcile()
    view = world.message(answer, Channel.EMAIL)
    assert view["status"] == "failed"
    assert world.work() == 0


def test_a_gate_that_drops_everybody_is_no_call(world: World) -> None:
    answer = world.order(channels=(Channel.EMAIL,))
    claimed = claim(world)
    world.parts.cancel_notification(answer["id"])
    world.deliver._deliver(claimed)  # noqa: SLF001 - the moment between claim and gate
    assert world.message(answer, Channel.EMAIL)["status"] == "cancelled"
    world.clock.advance(timedelta(minutes=5))
    assert world.reconcile().unknown == 0


def test_a_link_of_a_message_whose_worker_died_stops_the_address_it_went_to(world: World) -> None:
    world.order(channels=(Channel.EMAIL,))
    claimed = claim(world)
    with world.parts.store.write() as tx:
        tx.deliveries.lock_open(claimed)
        tx.deliveries.start_call(claimed, "mail", world.clock(), {})
    mail = world.parts.composer.email(claimed.letters[0])
    world.order(profile={"email": "awa@example.org"}, channels=(Channel.SMS,))
    token = mail.headers["List-Unsubscribe"].split("/u/")[1].rstrip(">")
    world.parts.unsubscribe(token, CLICK, "fr")
    guest = world.order(recipient="guest", profile={"email": EMAIL}, channels=(Channel.EMAIL,))
    assert guest["messages"][0]["reason"] == "unsubscribed"


def test_a_database_that_is_away_for_a_moment_does_not_lose_the_answer(world: World) -> None:
    answer = world.order(channels=(Channel.EMAIL,))
    store = world.parts.store
    failures = [UnavailableError("away"), UnavailableError("away")]

    class Flickers:
        def write(self) -> AbstractContextManager[Transaction]:
            if world.email.messages and failures:
                raise failures.pop()
            return store.write()

    world.deliver._store = Flickers()  # type: ignore[assignment]  # noqa: SLF001
    world.deliver(Lane.URGENT)
    assert world.message(answer, Channel.EMAIL)["status"] == "sent"
    assert failures == []


def test_a_batch_supersedes_only_what_stands_before_it(world: World) -> None:
    def ask(template: str) -> NotificationRequest:
        given = RecipientInput("C-1042", {"email": EMAIL})
        return NotificationRequest(template, given, {"order_number": "1"}, reference="order-1")

    results = world.accept(
        [ask("order_out_for_delivery"), ask("order_delivered"), ask("order_out_for_delivery")],
        lane=Lane.NORMAL,
    )
    found = [one["messages"][0]["reason"] for one in results if not isinstance(one, InvalidRequestError)]
    assert found == ["superseded", None, None]


def test_reconcile_rings_lanes_whose_wake_up_was_lost(world: World) -> None:
    world.wake_ups.reachable = False
    world.order()
    world.wake_ups.reachable = True
    assert world.reconcile().woken == 1
    assert world.wake_ups.rung == [(Lane.URGENT, [])]


def test_a_message_that_cannot_be_rendered_fails_alone(world: World) -> None:
    answer = world.order(channels=(Channel.EMAIL,))
    world.deliver._composer = None  # type: ignore[assignment]  # noqa: SLF001
    world.work()
    assert world.message(answer, Channel.EMAIL)["status"] == "failed"


@pytest.mark.parametrize("status", ["queued", "sent", "skipped"])
def test_lists_filter_by_status(world: World, status: str) -> None:
    world.order(reference="a", profile={"email": EMAIL})
    world.work()
    world.order(reference="b", channels=(Channel.EMAIL,))
    found = world.parts.lookups.notifications(status=status)["items"]
    assert [one["reference"] for one in found] == (["b"] if status == "queued" else ["a"])
    assert {one["status"] for one in world.parts.lookups.messages(status=status)["items"]} == {status}
