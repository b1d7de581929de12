"""The one door: what goes, what does not, and what becomes of it when something breaks."""

from datetime import UTC, datetime, timedelta

import pytest

from notify.domain.catalogue import Channel
from notify.domain.errors import InvalidRequestError
from notify.domain.outcome import Ambiguous, Refused, Transient
from notify.domain.requests import Choice, Lane, NotificationRequest, Proof, RecipientInput, Routing
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
    assert world.message(guest, Channel.EMAIL)["explanation"] == (
        "Not sent: this e-mail address was unsubscribed from order updates on 23 November, with the link in"
        " order 99812's e-mail, under another recipient id."
    )


def test_whoever_came_back_is_not_said_to_have_left_with_the_address(world: World) -> None:
    world.order(recipient="guest-7", profile={"email": EMAIL})
    world.work()
    guest = world.opt_out_token(Channel.EMAIL)
    world.order()
    world.work()
    undo = world.parts.unsubscribe(world.opt_out_token(Channel.EMAIL), CLICK, "fr").undo
    assert undo
    world.parts.undo(undo, CLICK, "fr")
    world.parts.unsubscribe(guest, CLICK, "fr")
    later = world.order("order_delivered")
    assert "Awa" not in world.message(later, Channel.EMAIL)["explanation"]
    assert "under another recipient id" in world.message(later, Channel.EMAIL)["explanation"]


def test_what_someone_chose_later_is_not_why_an_earlier_message_was_held_back(world: World) -> None:
    world.order()
    world.work()
    left = world.opt_out_token(Channel.SMS)
    world.parts.unsubscribe(left, CLICK, "fr")
    held = world.order("order_delivered")
    world.clock.advance(timedelta(days=1))
    again = [Choice("order_updates", Channel.SMS, subscribed=True)]
    world.parts.change_preferences("C-1042", again, Proof("call centre", "Oui", obtained_at=world.clock()))
    sentence = world.message(held, Channel.SMS)["explanation"]
    assert sentence.endswith("by SMS on 23 November, with the link in order 99812's SMS.")
    world.clock.advance(timedelta(days=1))
    world.parts.unsubscribe(left, CLICK, "fr")
    assert world.message(held, Channel.SMS)["explanation"] == sentence


def test_an_opt_out_between_check_and_gate_wins(world: World) -> None:
    answer = world.order(channels=(Channel.EMAIL,))
    other = world.order(recipient="guest-7", profile={"email": EMAIL}, channels=(Channel.EMAIL,))
    world.work()
    token = world.opt_out_token(Channel.EMAIL)
    assert other["status"] == "queued"
    again = world.order("order_delivered", channels=(Channel.EMAIL,))
    compose = world.deliver._composer  # noqa: SLF001 - the moment between check and gate

    class OptsOutMeanwhile:
        sender = staticmethod(compose.sender)

        def emails(self, first: object) -> object:
            world.parts.unsubscribe(token, CLICK, "fr")
            return compose.emails(first)  # type: ignore[arg-type]

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


def test_what_a_test_key_sends_supersedes_nothing_in_earnest(world: World) -> None:
    waiting = world.order("order_out_for_delivery", send_at=world.clock() + timedelta(hours=1))
    tried = world.order("order_out_for_delivery", send_at=world.clock() + timedelta(hours=1), test=True)
    world.order("order_delivered", test=True)
    assert world.message(waiting, Channel.EMAIL)["status"] == "scheduled"
    assert world.message(tried, Channel.EMAIL)["reason"] == "superseded"


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


@pytest.mark.parametrize("status", ["queued", "sent", "skipped"])
def test_lists_filter_by_status(world: World, status: str) -> None:
    world.order(reference="a", profile={"email": EMAIL})
    world.work()
    world.order(reference="b", channels=(Channel.EMAIL,))
    found = world.parts.lookups.notifications(status=status)["items"]
    assert [one["reference"] for one in found] == (["b"] if status == "queued" else ["a"])
    assert {one["status"] for one in world.parts.lookups.messages(status=status)["items"]} == {status}
