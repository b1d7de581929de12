"""Metrics add up over processes and restarts, and say what waits even when Redis or the database is away."""

import os
import socket
import time
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from notify.domain.backlog import BacklogReport, LaneBacklog, LaneQueue, SmsUse
from notify.domain.catalogue import Channel
from notify.domain.errors import UnavailableError
from notify.domain.requests import Lane
from notify.telemetry import Exposition, PrometheusTelemetry
from tests.ports import free_port

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)


class FakeBacklog:
    def __init__(self, *, up: bool = True) -> None:
        self._up = up

    def report(self, now: datetime) -> BacklogReport:
        if not self._up:
            raise UnavailableError("away")
        lane = LaneBacklog(Lane.URGENT, 3, 2, 1, 1, now - timedelta(seconds=90))
        return BacklogReport([lane], {"reconcile": now - timedelta(seconds=12)}, SmsUse(70, 100))

    def reachable(self) -> bool:
        return self._up

    def migrated(self) -> bool:
        return self._up


class FakeQueues:
    def __init__(self, *, up: bool = True) -> None:
        self._up = up

    def report(self) -> Sequence[LaneQueue] | None:
        return [LaneQueue(Lane.URGENT, 4, NOW - timedelta(seconds=5), 0, 1)] if self._up else None

    def reachable(self) -> bool:
        return self._up


def exposition(directory: Path, *, database: bool = True, redis: bool = True) -> Exposition:
    return Exposition(directory, FakeBacklog(up=database), FakeQueues(up=redis), lambda: NOW)


def in_a_child(telemetry: PrometheusTelemetry) -> None:
    """Count once in a forked process."""
    pid = os.fork()
    if pid == 0:
        telemetry.accepted("order_updates", Channel.SMS)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_counts_of_processes_add_up(tmp_path: Path) -> None:
    web, worker = PrometheusTelemetry(tmp_path, "web"), PrometheusTelemetry(tmp_path, "worker urgent")
    web.accepted("order_updates", Channel.EMAIL)
    worker.settled("order_updates", Channel.EMAIL, "sendgrid", "sent", "")
    second = PrometheusTelemetry(tmp_path, "web")
    second.accepted("order_updates", Channel.EMAIL)
    text = exposition(tmp_path)().decode()
    assert 'notify_messages_accepted_total{channel="email",topic="order_updates"} 2.0' in text
    assert 'provider="sendgrid",reason="",status="sent",topic="order_updates"} 1.0' in text


def test_a_restart_goes_on_counting_in_the_same_file(tmp_path: Path) -> None:
    for _ in range(3):
        telemetry = PrometheusTelemetry(tmp_path, "web")
        telemetry.accepted("surveys", Channel.SMS)
        del telemetry
    assert (
        'notify_messages_accepted_total{channel="sms",topic="surveys"} 3.0' in exposition(tmp_path)().decode()
    )
    assert len(list(tmp_path.glob("counter_*.db"))) == 1


def test_a_forked_process_counts_apart_and_nothing_is_lost(tmp_path: Path) -> None:
    telemetry = PrometheusTelemetry(tmp_path, "worker bulk")
    telemetry.accepted("order_updates", Channel.SMS)
    in_a_child(telemetry)
    telemetry.accepted("order_updates", Channel.SMS)
    text = exposition(tmp_path)().decode()
    assert 'notify_messages_accepted_total{channel="sms",topic="order_updates"} 3.0' in text


def test_provider_calls_are_a_histogram(tmp_path: Path) -> None:
    telemetry = PrometheusTelemetry(tmp_path, "worker urgent")
    for seconds in (0.02, 0.2, 99.0):
        telemetry.provider_call("twilio", "accepted", seconds)
    text = exposition(tmp_path)().decode()
    name = "notify_provider_call_seconds"
    assert f'{name}_bucket{{le="0.025",outcome="accepted",provider="twilio"}} 1.0' in text
    assert f'{name}_bucket{{le="0.25",outcome="accepted",provider="twilio"}} 2.0' in text
    assert f'{name}_bucket{{le="+Inf",outcome="accepted",provider="twilio"}} 3.0' in text
    assert f'{name}_count{{outcome="accepted",provider="twilio"}} 3.0' in text


def test_reasons_of_providers_do_not_make_series_without_end(tmp_path: Path) -> None:
    telemetry = PrometheusTelemetry(tmp_path, "worker urgent")
    for number in range(500):
        telemetry.settled("order_updates", Channel.SMS, "twilio", "failed", f"error {number}")
    telemetry.settled("order_updates", Channel.SMS, "twilio", "failed", "awa@example.com bounced")
    text = exposition(tmp_path)().decode()
    assert text.count("notify_messages_settled_total{") == 101
    assert "awa@" not in text


def test_what_waits_is_asked_at_the_scrape(tmp_path: Path) -> None:
    text = exposition(tmp_path)().decode()
    assert 'notify_lane_dispatches{lane="urgent",state="due"} 3.0' in text
    assert 'notify_lane_oldest_seconds{lane="urgent"} 90.0' in text
    assert 'notify_task_age_seconds{task="reconcile"} 12.0' in text
    assert 'notify_queue_depth{lane="urgent"} 4.0' in text
    assert 'notify_queue_oldest_seconds{lane="urgent"} 5.0' in text
    assert "notify_redis_up 1.0" in text
    assert "notify_sms_today 70.0" in text
    assert "notify_sms_daily_limit 100.0" in text


def _wait_for_the_clock() -> None:
    """The last word is told by its time, and some clocks tick seldom."""
    before = time.time()
    while time.time() <= before:
        pass


def test_of_several_processes_the_last_word_on_a_provider_counts(tmp_path: Path) -> None:
    urgent, bulk = (
        PrometheusTelemetry(tmp_path, "worker urgent"),
        PrometheusTelemetry(tmp_path, "worker bulk"),
    )
    bulk.provider_up("sendgrid", up=True)
    _wait_for_the_clock()
    urgent.provider_up("sendgrid", up=False)
    assert 'notify_provider_up{provider="sendgrid"} 0.0' in exposition(tmp_path)().decode()
    _wait_for_the_clock()
    bulk.provider_up("sendgrid", up=True)
    assert 'notify_provider_up{provider="sendgrid"} 1.0' in exposition(tmp_path)().decode()


def test_without_redis_its_numbers_are_absent(tmp_path: Path) -> None:
    text = exposition(tmp_path, redis=False)().decode()
    assert "notify_redis_up 0.0" in text
    assert "notify_queue_depth" not in text
    assert "notify_lane_dispatches" in text


def test_without_the_database_its_numbers_are_absent(tmp_path: Path) -> None:
    text = exposition(tmp_path, database=False)().decode()
    assert "notify_database_up 0.0" in text
    assert "notify_lane_dispatches" not in text


def test_a_port_of_its_own_waits_until_it_is_free(tmp_path: Path) -> None:
    port = free_port()
    shown = exposition(tmp_path)
    shown.serve(port)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.02)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
        assert b"notify_redis_up 1.0" in answer.read()
