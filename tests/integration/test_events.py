"""What providers report: kept before it is answered, applied once, forward only."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from notify.domain.catalogue import Channel
from notify.domain.outcome import Accepted, Ambiguous
from notify.domain.requests import Routing
from notify.storage.event_tables import ProviderEventRow
from tests.reporting import (
    SID,
    Reporting,
    posts,
    sent,
    status,
    suppressed,
)
from tests.world import EMAIL

TABLE = [
    ("processed", "sent"),
    ("deferred", "sent"),
    ("delivered", "delivered"),
    ("delivered processed deferred", "delivered"),
    ("bounce", "bounced"),
    ("dropped", "failed"),
    ("spamreport", "complained"),
    ("delivered spamreport", "complained"),
    ("delivered bounce", "bounced"),
    ("bounce delivered", "bounced"),
    ("dropped delivered", "failed"),
    ("something_new", "sent"),
    ("group_resubscribe", "sent"),
]


def test_each_word_leads_where_the_table_says(reporting: Reporting) -> None:
    found = {}
    for number, (words, _) in enumerate(TABLE):
        answer, message = sent(
            reporting, recipient=f"C-{number}", profile={"email": f"p{number}@example.com"}
        )
        for word in words.split():
            reporting.told(reporting.event(message, word, type="bounce"))
        view = reporting.world.message(answer, Channel.EMAIL)
        found[words] = view["status"]
        assert len(view["events"]) == len(words.split())
    assert found == dict(TABLE)
    assert posts(reporting) == 0


def test_opens_and_clicks_that_an_account_reports_leave_no_trace(reporting: Reporting) -> None:
    answer, message = sent(reporting)
    reporting.told(
        reporting.event(message, "open"), reporting.event(message, "click", url="https://x.example")
    )
    view = reporting.world.message(answer, Channel.EMAIL)
    assert (view["status"], view["events"]) == ("sent", [])
    with reporting.world.parts.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(ProviderEventRow)) == 0
    assert reporting.world.telemetry.provider_events == {
        ("sendgrid", "opened", "dropped"): 1,
        ("sendgrid", "clicked", "dropped"): 1,
    }


def test_five_soft_bounces_in_a_row_cost_the_news_until_something_arrives(reporting: Reporting) -> None:
    world = reporting.world
    ends = ["bounce", "bounce", "delivered", "bounce", "bounce", "bounce", "bounce", "bounce", "deferred"]
    barred = []
    for number, word in enumerate(ends):
        _, message = sent(reporting, reference=f"r-{number}")
        reporting.told(reporting.event(message, word, type="blocked"))
        barred.append(suppressed(reporting))
    assert barred == [[]] * 7 + [[("marketing", "soft_bounces")]] * 2
    (shown,) = world.parts.suppressions.search(Channel.EMAIL, EMAIL)
    assert shown["address"] == "a•••@example.com"
    assert shown["until"] is not None
    _, message = sent(reporting, reference="later")  # orders are still tried
    reporting.told(reporting.event(message, "delivered"))
    assert suppressed(reporting) == []


def test_what_arrives_in_disorder_counts_as_it_happened(reporting: Reporting) -> None:
    answer, message = sent(reporting)
    first, second, third = (
        reporting.event(message, word) for word in ("processed", "delivered", "spamreport")
    )
    reporting.told(third, second, first)
    assert status(reporting, answer) == "complained"
    assert [one["type"] for one in reporting.world.message(answer, Channel.EMAIL)["events"]] == [
        "processed", "delivered", "complained",
    ]  # fmt: skip


def test_a_soft_bounce_after_delivery_changes_nothing(reporting: Reporting) -> None:
    answer, message = sent(reporting)
    reporting.told(reporting.event(message, "delivered"))
    reporting.told(reporting.event(message, "bounce", type="blocked"))
    assert status(reporting, answer) == "delivered"
    assert suppressed(reporting) == []


def test_a_repetition_changes_nothing_and_is_counted(reporting: Reporting) -> None:
    answer, message = sent(reporting)
    event = reporting.event(message, "bounce", type="bounce", reason="550 no such user")
    for _ in range(3):
        reporting.told(event, event)
    view = reporting.world.message(answer, Channel.EMAIL)
    assert view["status"] == "bounced"
    assert [one["detail"] for one in view["events"]] == ["550 no such user"]
    assert "550 no such user" in view["explanation"]
    counted = reporting.world.telemetry.provider_events
    assert counted["sendgrid", "bounced", "moved"] == 1
    assert counted["sendgrid", "", "repeated"] == 5
    assert reporting.world.telemetry.settled_messages[-1][2:4] == ("sendgrid", "bounced")


def test_events_of_nobody_are_kept_and_change_nothing(reporting: Reporting) -> None:
    reporting.told(
        reporting.event("msg_999", "bounce", type="bounce"),
        reporting.event("somebody-elses", "bounce", type="bounce", sg_message_id=None),
        {"event": "account_status_change", "sg_event_id": "e-1"},
    )
    assert suppressed(reporting) == []
    assert reporting.world.telemetry.provider_events == {
        ("sendgrid", "bounced", "unmatched"): 2,
        ("sendgrid", "unknown", "unknown_word"): 1,
    }
    with reporting.world.parts.engine.connect() as connection:
        assert list(connection.scalars(select(ProviderEventRow.message_id))) == [None] * 3


def test_a_hard_bounce_bars_the_address_it_was_sent_to(reporting: Reporting) -> None:
    _, message = sent(reporting)
    sent(reporting, Channel.SMS, profile={"email": "new@example.com"})  # corrected since
    reporting.told(reporting.event(message, "bounce", type="bounce"))
    assert suppressed(reporting) == [("all", "hard_bounce")]
    again = reporting.world.order(profile={"email": EMAIL}, channels=(Channel.EMAIL,))
    assert again["messages"][0]["reason"] == "suppressed"
    fresh = reporting.world.order(profile={"email": "new@example.com"}, channels=(Channel.EMAIL,))
    assert fresh["messages"][0]["reason"] is None


def test_a_late_hard_bounce_wins_over_a_delivery_and_bars(reporting: Reporting) -> None:
    answer, message = sent(reporting)
    reporting.told(reporting.event(message, "delivered"))
    reporting.told(reporting.event(message, "bounce", type="bounce"))
    assert status(reporting, answer) == "bounced"
    assert suppressed(reporting) == [("all", "hard_bounce")]


def test_a_complaint_bars_marketing_and_leaves_the_topic_by_the_ledger(reporting: Reporting) -> None:
    answer, message = sent(reporting)
    reporting.told(reporting.event(message, "spamreport"), reporting.event(message, "unsubscribe"))
    assert status(reporting, answer) == "complained"
    assert suppressed(reporting) == [("marketing", "complaint")]
    world = reporting.world
    assert not world.subscribed("order_updates", Channel.EMAIL)
    assert world.subscribed("order_updates", Channel.SMS)
    (entry,) = world.parts.lookups.consents("C-1042")["items"]
    assert (entry["source"], entry["message_id"], entry["subscribed"]) in {
        ("complaint", message, False),
        ("provider", message, False),
    }
    later = world.order("order_delivered")
    assert later["messages"][0]["reason"] == "unsubscribed"
    guest = world.order(recipient="guest-1", profile={"email": EMAIL}, channels=(Channel.EMAIL,))
    assert guest["messages"][0]["reason"] == "unsubscribed"


def test_who_has_left_already_leaves_no_second_entry(reporting: Reporting) -> None:
    _, message = sent(reporting)
    reporting.told(reporting.event(message, "unsubscribe"))
    reporting.told(reporting.event(message, "spamreport"))
    (entry,) = reporting.world.parts.lookups.consents("C-1042")["items"]
    assert entry["source"] == "provider"
    assert suppressed(reporting) == [("marketing", "complaint")]


@pytest.mark.parametrize(
    ("reason", "barred", "way"),
    [
        ("Spam Reporting Address", [("marketing", "complaint")], "complaint"),
        ("Unsubscribed Address", [], "provider"),
    ],
)
def test_what_sendgrid_drops_for_an_earlier_report_bars_as_that_did(
    reporting: Reporting, reason: str, barred: list[tuple[str, str]], way: str
) -> None:
    answer, message = sent(reporting)
    reporting.told(reporting.event(message, "dropped", reason=reason))
    assert status(reporting, answer) == "failed"
    assert suppressed(reporting) == barred
    (entry,) = reporting.world.parts.lookups.consents("C-1042")["items"]
    assert (entry["source"], entry["message_id"], entry["subscribed"]) == (way, message, False)
    assert reporting.world.order("order_delivered")["messages"][0]["reason"] == "unsubscribed"


def test_the_next_channel_follows_a_bounce(reporting: Reporting) -> None:
    answer, message = sent(reporting, channels=(Channel.EMAIL, Channel.SMS), routing=Routing.FALLBACK)
    assert reporting.world.sms.messages == []
    reporting.world.wake_ups.rung.clear()
    bounce = reporting.event(message, "bounce", type="blocked")
    reporting.told(bounce)
    assert len(reporting.world.wake_ups.rung) == 1
    reporting.told(bounce, reporting.event(message, "dropped"))
    reporting.world.work()
    assert len(reporting.world.sms.messages) == 1
    current = reporting.world.parts.lookups.notification(answer["id"])
    assert [one["status"] for one in current["messages"]] == ["bounced", "sent"]


def test_no_next_channel_for_what_was_cancelled(reporting: Reporting) -> None:
    answer, message = sent(reporting, channels=(Channel.EMAIL, Channel.SMS), routing=Routing.FALLBACK)
    reporting.world.parts.cancel_notification(answer["id"])
    reporting.told(reporting.event(message, "bounce", type="bounce"))
    reporting.world.work()
    assert reporting.world.sms.messages == []


def test_receipts_find_their_message_by_the_address_they_are_posted_to(reporting: Reporting) -> None:
    answer, message = sent(reporting, Channel.SMS)
    assert reporting.receipt("delivered", message).status_code == 204
    reporting.read()
    assert status(reporting, answer, Channel.SMS) == "delivered"


@pytest.mark.parametrize(
    ("word", "code", "expected", "barred"),
    [
        ("undelivered", "30005", "failed", [("all", "hard_bounce")]),
        ("undelivered", "30003", "failed", []),
        ("failed", "21610", "failed", [("all", "stop")]),
        ("sent", "30003", "sent", []),
        ("queued", "", "sent", []),
    ],
)
def test_receipts_find_their_message_by_twilios_own_id(
    reporting: Reporting, word: str, code: str, expected: str, barred: list[tuple[str, str]]
) -> None:
    reporting.world.sms.script(Accepted(SID))
    answer, _ = sent(reporting, Channel.SMS)
    assert reporting.receipt(word, ErrorCode=code).status_code == 204
    reporting.read()
    view = reporting.world.message(answer, Channel.SMS)
    assert view["status"] == expected
    assert view["provider_message_id"] == SID
    assert suppressed(reporting) == barred


def test_a_receipt_that_outruns_the_record_of_its_call_is_read_again(reporting: Reporting) -> None:
    reporting.receipt("delivered")
    assert reporting.record() == 1
    assert posts(reporting) == 1
    reporting.world.sms.script(Accepted(SID))
    answer, _ = sent(reporting, Channel.SMS)
    reporting.world.clock.advance(timedelta(seconds=3))
    reporting.read()
    assert status(reporting, answer, Channel.SMS) == "delivered"
    assert posts(reporting) == 0


def test_a_receipt_of_nobodys_message_is_not_kept_for_ever(reporting: Reporting) -> None:
    reporting.receipt("delivered")
    reporting.read()
    reporting.world.clock.advance(timedelta(minutes=3))
    assert reporting.read() == 1
    assert posts(reporting) == 0


def test_any_event_settles_what_was_unknown(reporting: Reporting) -> None:
    expected = {"processed": "sent", "delivered": "delivered", "bounce": "bounced", "dropped": "failed"}
    found = {}
    for word in expected:
        reporting.world.email.script(Ambiguous("time-out"))
        answer, message = sent(reporting, recipient=f"C-{word}", profile={"email": f"{word}@example.com"})
        assert status(reporting, answer) == "unknown"
        reporting.told(reporting.event(message, word, type="bounce"))
        view = reporting.world.message(answer, Channel.EMAIL)
        found[word] = view["status"]
        assert view["provider_message_id"] == "call-1"
    assert found == expected


def test_an_event_that_comes_before_the_call_is_recorded_stays(reporting: Reporting) -> None:
    answer = reporting.world.order(channels=(Channel.EMAIL,))
    reporting.world.begin_call()
    reporting.told(reporting.event(answer["messages"][0]["id"], "delivered"))
    assert status(reporting, answer) == "delivered"
    reporting.world.clock.advance(timedelta(minutes=1))
    reporting.world.reconcile()  # the worker is lost: its dispatch becomes unknown
    assert status(reporting, answer) == "delivered"
