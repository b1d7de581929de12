"""Posts of providers: only signed ones are kept, each is read once, and a bad one holds up no other."""

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select, text

from notify.cli.status import lines
from notify.domain.catalogue import Channel
from notify.domain.events import EventKind, ProviderEvent
from notify.domain.requests import Routing
from notify.storage.event_tables import EventPost, ProviderEventRow
from notify.usecases.events.applying import apply_events
from notify.usecases.events.record import ASIDE, PAUSES
from tests.reporting import (
    SENDGRID_HOOK,
    SID,
    TOKEN,
    TWILIO_HOOK,
    Reporting,
    posts,
    public_text,
    sent,
    status,
    suppressed,
)
from tests.world import EMAIL


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
    nonsense = [b"", b"{}", b"[", b"\xff\xfe", b"[" * 100_000, b'"text"', b'[{"event": "bounce"}']
    assert {reporting.post(body).status_code for body in nonsense} == {400}
    assert posts(reporting) == 0
    assert set(reporting.world.telemetry.webhook_posts) == {("sendgrid", "malformed")}


def test_a_receipt_without_a_status_is_a_bad_request(reporting: Reporting) -> None:
    assert reporting.receipt("").status_code == 400
    assert reporting.receipt("sent", sid="no id").status_code == 400
    assert posts(reporting) == 0


def test_a_post_that_is_too_large_is_refused(reporting: Reporting) -> None:
    assert reporting.post(b"[" + b" " * 1_000_000 + b"]").status_code == 413


def test_without_keys_nothing_is_accepted(database_url: str, tmp_path: Path) -> None:
    bare = Reporting(database_url, tmp_path, sendgrid_webhook_public_key=None, twilio_auth_token=None)
    assert bare.post([]).status_code == 403
    assert bare.post([]).get_json()["type"] == "/docs/problems#webhook-refused"
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
    assert "1 post COULD NOT BE READ" in told
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
    assert found == ["Providers' events: 2 posts wait to be read, the oldest for 7 min"]


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


def test_another_systems_events_on_the_same_account_delay_none_of_ours(reporting: Reporting) -> None:
    answer, message = sent(reporting)
    foreign = reporting.event(message, "delivered", sg_message_id="theirs.filter0001")
    del foreign["message_id"]
    assert reporting.post([foreign, reporting.event(message, "spamreport")]).status_code == 204
    assert reporting.read() == 1
    assert (status(reporting, answer), posts(reporting)) == ("complained", 0)


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
        apply_events(tx, reporting.world.parts.catalogue, [bounced], now)
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
            apply_events(tx, reporting.world.parts.catalogue, [event], event.at)

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
