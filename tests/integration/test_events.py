"""What providers report: kept before it is answered, applied once, forward only."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import func, select, text

from notify.cli.status import lines
from notify.domain.catalogue import Channel
from notify.domain.events import EventKind, ProviderEvent
from notify.domain.outcome import Accepted, Ambiguous
from notify.domain.requests import Routing
from notify.domain.views import NotificationView
from notify.storage.event_tables import EventPost, ProviderEventRow
from notify.storage.tables import Suppression
from notify.usecases.applying_events import apply_events
from notify.usecases.record_events import ASIDE, PAUSES
from tests.reporting import SENDGRID_HOOK, SID, TOKEN, TWILIO_HOOK, Reporting, public_text
from tests.world import EMAIL

Sent = tuple[NotificationView, str]


@pytest.fixture
def reporting(database_url: str, tmp_path: Path) -> Iterator[Reporting]:
    """Give a world whose webhooks are set up."""
    found = Reporting(database_url, tmp_path)
    yield found
    found.world.parts.close()


def sent(reporting: Reporting, channel: Channel = Channel.EMAIL, **more: Any) -> Sent:
    """Send an order update on one channel; return it with its message's id."""
    answer = reporting.world.order(**({"channels": (channel,)} | more))
    reporting.world.work()
    return answer, answer["messages"][0]["id"]


def status(reporting: Reporting, answer: NotificationView, channel: Channel = Channel.EMAIL) -> str:
    return reporting.world.message(answer, channel)["status"]


def posts(reporting: Reporting) -> int:
    with reporting.world.parts.engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(EventPost)) or 0


def suppressed(reporting: Reporting) -> list[tuple[str, str]]:
    with reporting.world.parts.engine.connect() as connection:
        return [
            (scope, reason)
            for scope, reason in connection.execute(select(Suppression.scope, Suppression.reason))
        ]


TABLE = [
    ("processed", "sent"),
    ("deferred", "sent"),
    ("delivered", "delivered"),
    ("open", "delivered"),
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
        ("failed", "21610", "failed", []),
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


def test_forged_posts_are_refused_and_nothing_is_kept(reporting: Reporting) -> None:
    answer, message = sent(reporting)
    event = reporting.event(message, "bounce", type="bounce")
    assert reporting.post([event], key=ec.generate_private_key(ec.SECP256R1())).status_code == 403
    assert reporting.client.post(SENDGRID_HOOK, json=[event]).status_code == 403
    assert reporting.receipt("failed", message, token="f" * 32).status_code == 403
    assert reporting.client.post(TWILIO_HOOK, data={"MessageSid": SID}).status_code == 403
    assert posts(reporting) == 0
    assert reporting.world.telemetry.webhook_posts == [
        ("sendgrid", "forged"), ("sendgrid", "forged"), ("twilio", "forged"), ("twilio", "forged"),
    ]  # fmt: skip
    assert status(reporting, answer) == "sent"


def test_signed_nonsense_is_a_bad_request_and_changes_nothing(reporting: Reporting) -> None:
    nonsense = [b"", b"{}", b"[", b"\xff\xfe", b'"text"', b'[{"event": "bounce"}']
    assert {reporting.post(body).status_code for body in nonsense} == {400}
    assert posts(reporting) == 0
    assert set(reporting.world.telemetry.webhook_posts) == {("sendgrid", "malformed")}


def test_a_receipt_without_a_status_is_a_bad_request(reporting: Reporting) -> None:
    assert reporting.receipt("").status_code == 400
    assert reporting.receipt("sent", sid="SM1").status_code == 400
    assert posts(reporting) == 0


def test_a_post_that_is_too_large_is_refused(reporting: Reporting) -> None:
    assert reporting.post(b"[" + b" " * 1_000_000 + b"]").status_code == 413


def test_without_keys_nothing_is_accepted(database_url: str, tmp_path: Path) -> None:
    bare = Reporting(database_url, tmp_path, sendgrid_webhook_public_key=None, twilio_auth_token=None)
    assert bare.post([]).status_code == 403
    assert bare.receipt("sent").status_code == 403
    bare.world.parts.close()


def test_an_old_key_is_good_while_a_new_one_takes_its_place(database_url: str, tmp_path: Path) -> None:
    old, new = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    both = Reporting(
        database_url,
        tmp_path,
        sendgrid_webhook_public_key=f"{public_text(new)}, {public_text(old)}",
        twilio_auth_token=f"{'a' * 32},{TOKEN}",
    )
    assert [both.post([], key=key).status_code for key in (old, new)] == [204, 204]
    assert both.receipt("sent", "msg_1").status_code == 204
    both.world.parts.close()


def test_posts_are_kept_encrypted(reporting: Reporting) -> None:
    _, message = sent(reporting)
    reporting.post([reporting.event(message, "delivered")])
    with reporting.world.parts.engine.connect() as connection:
        sealed = connection.scalar(select(EventPost.body_sealed)) or b""
    assert sealed
    assert EMAIL.encode() not in sealed
    assert "event_posts.body_sealed" in rotated(reporting)


def rotated(reporting: Reporting) -> list[str]:
    names: list[str] = []
    reporting.world.parts.rotate_keys(lambda name, _: names.append(name))
    return names


def test_a_post_that_cannot_be_read_is_tried_again_and_holds_up_no_other(
    reporting: Reporting, caplog: pytest.LogCaptureFixture
) -> None:
    answer, message = sent(reporting)
    reporting.post([reporting.event(message, "processed")])
    with reporting.world.parts.engine.begin() as connection:
        connection.execute(text("UPDATE event_posts SET body_sealed = :bad"), {"bad": b"\x00" * 40})
    reporting.told(reporting.event(message, "delivered"))
    assert status(reporting, answer) == "delivered"
    assert posts(reporting) == 1
    assert "cannot be read" in caplog.text
    assert EMAIL not in caplog.text
    told = "\n".join(status_lines(reporting))
    assert "1 posts COULD NOT BE READ" in told
    assert "wait to be read" not in told
    for pause in (*PAUSES, ASIDE, ASIDE):
        assert reporting.read() == 0
        reporting.world.clock.advance(pause)
        assert reporting.read() == 1
    assert posts(reporting) == 1
    reporting.world.clock.advance(timedelta(days=28))
    reporting.world.parts.purge()
    assert posts(reporting) == 0


def test_posts_that_wait_are_told(reporting: Reporting) -> None:
    reporting.post([])
    reporting.post([])
    reporting.world.clock.advance(timedelta(minutes=7))
    found = [line for line in status_lines(reporting) if line.startswith("Providers' events")]
    assert found == ["Providers' events: 2 posts wait to be read, the oldest since 7 min"]


def status_lines(reporting: Reporting) -> list[str]:
    now = reporting.world.clock()
    return list(lines(reporting.world.parts.backlog.report(now), None, now))


def test_an_event_that_breaks_its_batch_is_found_and_put_off_alone(
    reporting: Reporting, caplog: pytest.LogCaptureFixture
) -> None:
    answer, message = sent(reporting)
    reporting.post([reporting.event("msg_1", "poison")])
    reporting.post([reporting.event(message, "delivered")])
    source = reporting.world.parts.event_sources["sendgrid"]
    reporting.record._sources = {"sendgrid": Breaks(source)}  # type: ignore[dict-item]  # noqa: SLF001
    reporting.read()
    assert status(reporting, answer) == "delivered"
    assert posts(reporting) == 1
    assert "post by post" in caplog.text


class Breaks:
    """Lets a post named "poison" parse into what the database cannot take."""

    def __init__(self, source: Any) -> None:
        self._source = source

    def events_in(self, body: str, received_at: Any) -> Any:
        events = self._source.events_in(body, received_at)
        return [None] if "poison" in body else events


def test_two_workers_share_posts_and_every_event_counts_once(postgres_url: str, tmp_path: Path) -> None:
    reporting = Reporting(postgres_url, tmp_path)
    sents = [
        sent(reporting, recipient=f"C-{number}", profile={"email": f"p{number}@example.com"})
        for number in range(12)
    ]
    events = [
        reporting.event(message, word, type="bounce")
        for _, message in sents
        for word in ("processed", "delivered", "bounce")
    ]
    for _ in range(4):  # the same events in different posts and orders
        reporting.post(events)
        reporting.post(list(reversed(events)))
    errors: list[BaseException] = []
    threads = [threading.Thread(target=_until_done, args=(reporting.record, errors)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert {status(reporting, answer) for answer, _ in sents} == {"bounced"}
    assert len(suppressed(reporting)) == len(sents)
    assert posts(reporting) == 0
    counted = reporting.world.telemetry.provider_events
    assert sum(count for (_, _, outcome), count in counted.items() if outcome != "repeated") == len(events)
    reporting.world.parts.close()


def test_two_reports_of_one_message_take_turns(postgres_url: str, tmp_path: Path) -> None:
    reporting = Reporting(postgres_url, tmp_path)
    answer, message = sent(reporting)
    store, now = reporting.world.parts.store, reporting.world.clock()
    bounced, delivered = (
        ProviderEvent("sendgrid", kind.value, kind, now, message_ref=message, hard=True)
        for kind in (EventKind.BOUNCED, EventKind.DELIVERED)
    )
    with store.write() as tx:
        apply_events(tx, [bounced], now)
        other = _meanwhile(reporting, delivered)
    other.join(20)
    assert status(reporting, answer) == "bounced"
    reporting.world.parts.close()


def test_a_cancellation_and_a_bounce_take_turns(postgres_url: str, tmp_path: Path) -> None:
    reporting = Reporting(postgres_url, tmp_path)
    answer, message = sent(reporting, channels=(Channel.EMAIL, Channel.SMS), routing=Routing.FALLBACK)
    store, now = reporting.world.parts.store, reporting.world.clock()
    with store.write() as tx:
        tx.notifications.cancel(int(answer["id"].removeprefix("ntf_")), now)
        other = _meanwhile(
            reporting, ProviderEvent("sendgrid", "e", EventKind.BOUNCED, now, message_ref=message)
        )
    other.join(20)
    assert status(reporting, answer) == "bounced"
    assert reporting.world.work() == 0
    reporting.world.parts.close()


def _meanwhile(reporting: Reporting, event: ProviderEvent) -> threading.Thread:
    """Apply an event in a transaction that has to wait for the one that is open."""

    def apply() -> None:
        with reporting.world.parts.store.write() as tx:
            apply_events(tx, [event], event.at)

    thread = threading.Thread(target=apply)
    thread.start()
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    with reporting.world.parts.engine.connect() as connection:
        while not connection.scalar(waiting):
            assert thread.is_alive()
            connection.rollback()
    return thread


def _until_done(record: Callable[[], int], errors: list[BaseException]) -> None:
    try:
        while record():
            pass
    except BaseException as error:  # noqa: BLE001 - told to the test
        errors.append(error)


def test_erasure_takes_the_events_along_and_late_ones_name_nobody(reporting: Reporting) -> None:
    _, message = sent(reporting)
    reporting.told(reporting.event(message, "delivered"))
    reporting.world.parts.erase_recipient("C-1042")
    reporting.told(reporting.event(message, "bounce", type="bounce"))
    with reporting.world.parts.engine.connect() as connection:
        assert list(connection.scalars(select(ProviderEventRow.message_id))) == [None]


def test_words_that_a_database_cannot_hold_do_no_harm(reporting: Reporting) -> None:
    answer, message = sent(reporting)
    body = json.dumps(
        [reporting.event(message, "bounce", type="bounce", reason="no \u0000 such \ud800 user")]
    )
    assert reporting.post(body.encode()).status_code in {204, 400}
    reporting.told(reporting.event(message, "delivered"))
    assert status(reporting, answer) in {"bounced", "delivered"}
