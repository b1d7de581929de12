"""`notify up`: everything runs, what dies comes back, nothing is left behind, nothing is lost."""

import http.client
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from tests.e2e.up_process import ENVIRONMENT, PATIENCE, UpProcess, living, wait_for
from tests.ports import free_port

Start = Callable[..., UpProcess]

CHILDREN = ("valkey", "worker urgent", "worker normal", "worker bulk", "scheduler", "web")


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UpProcess]:
    running = UpProcess(tmp_path_factory.mktemp("up") / "data").wait_until_ready()
    yield running
    running.stop()


@pytest.fixture
def start() -> Iterator[Start]:
    """Start processes of a test's own, which end with it."""
    started: list[UpProcess] = []

    def begin(data_dir: Path, port: int | None = None, /, **environment: str) -> UpProcess:
        started.append(UpProcess(data_dir, port, **environment))
        return started[-1]

    yield begin
    for one in started:
        one.stop()


def test_the_printed_line_sends_a_message_to_the_outbox(up: UpProcess) -> None:
    notification = up.post_the_curl_line()
    assert notification["status"] == "queued"
    wait_for(lambda: up.sent(notification["id"]), PATIENCE, lambda: up.log)
    with urllib.request.urlopen(f"{up.url}/outbox", timeout=PATIENCE) as page:
        assert "99812" in page.read().decode()


@pytest.mark.parametrize(("key", "status"), [(True, 413), (False, 401)])
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("path", ["/v1/notifications", "/v1/notifications/batch"])
def test_a_client_that_sends_too_much_gets_the_answer(
    up: UpProcess, path: str, *, chunked: bool, key: bool, status: int
) -> None:
    _, headers, _ = up.curl()
    sent = {name: value for name, value in headers.items() if key or name != "Authorization"}
    connection = http.client.HTTPConnection("127.0.0.1", up.port, timeout=30)
    body = (b" " * 100_000 for _ in range(200)) if chunked else b" " * 20_000_000
    connection.request("POST", path, body, sent, encode_chunked=chunked)
    answer = connection.getresponse()
    assert answer.status == status
    assert json.load(answer)["status"] == status
    connection.request("GET", "/healthz")
    assert connection.getresponse().status == 200
    connection.close()


def test_it_says_where_to_look(up: UpProcess) -> None:
    for place in (f"{up.url}/v1", f"{up.url}/docs", f"{up.url}/outbox", str(up.data_dir)):
        assert place in up.printed


def test_titles_name_the_roles(up: UpProcess) -> None:
    titles = living({*up.children().values(), os.getpgid(up.process.pid)})
    for role in ("up", "web", "worker urgent", "worker normal", "worker bulk", "scheduler"):
        assert any(title.startswith(f"notify: {role}") for title in titles), titles


def test_what_is_kept_is_for_the_owner_alone(up: UpProcess) -> None:
    assert stat.S_IMODE(up.data_dir.stat().st_mode) == 0o700
    for name in ("api-key", "secrets.json"):
        assert stat.S_IMODE((up.data_dir / name).stat().st_mode) == 0o600


@pytest.mark.parametrize("child", CHILDREN)
def test_a_killed_child_is_back_within_five_seconds(up: UpProcess, child: str) -> None:
    before = up.pids(child)
    os.kill(before[-1], signal.SIGKILL)
    assert wait_for(lambda: len(up.pids(child)) > len(before), 5, lambda: up.log) <= 5
    wait_for(lambda: answers(up), PATIENCE, lambda: up.log)
    notification = up.post_the_curl_line()
    wait_for(lambda: up.sent(notification["id"]), PATIENCE, lambda: up.log)


def test_a_killed_web_worker_is_back(up: UpProcess) -> None:
    web = up.children()["web"]
    table = subprocess.run(["ps", "-axo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    workers = [int(line.split()[0]) for line in table.splitlines() if int(line.split()[1]) == web]
    assert workers
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: answers(up), PATIENCE, lambda: up.log)


def test_a_killed_guard_is_replaced(up: UpProcess) -> None:
    (guard,) = guards(up)
    os.kill(guard, signal.SIGKILL)
    wait_for(lambda: guards(up) not in ([], [guard]), PATIENCE, lambda: up.log)


def guards(up: UpProcess) -> list[int]:
    table = subprocess.run(
        ["ps", "-axo", "pid=,ppid=,stat=,args="], capture_output=True, text=True, check=True
    )
    rows = [line.split(None, 3) for line in table.stdout.splitlines()]
    ours = [row for row in rows if int(row[1]) == up.process.pid and not row[2].startswith("Z")]
    return [int(row[0]) for row in ours if row[3].startswith("notify: guard")]


def test_doctor_and_status_find_nothing_wrong(up: UpProcess) -> None:
    for command in ("doctor", "status"):
        done = subprocess.run(
            [sys.executable, "-m", "notify", command, "--data-dir", up.data_dir],
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "DOWN" not in done.stdout


def test_a_second_one_on_the_same_directory_is_refused(up: UpProcess, start: Start) -> None:
    second = start(up.data_dir)
    assert second.process.wait(PATIENCE) == 1
    assert "notify up already runs on" in second.log
    assert "Traceback" not in second.log


def test_a_taken_port_is_refused(up: UpProcess, start: Start, tmp_path: Path) -> None:
    other = start(tmp_path / "data", up.port)
    assert other.process.wait(PATIENCE) == 1
    assert f"port {up.port}" in other.log
    assert "--port" in other.log
    assert "Traceback" not in other.log


def test_logs_are_json_lines_without_personal_data(up: UpProcess) -> None:
    assert [line for line in up.log.splitlines() if not line.startswith("{")] == []
    assert "awa" not in up.log.lower()
    assert "771234567" not in up.log


def test_killed_it_leaves_no_orphan_and_starts_again_with_its_state(start: Start, tmp_path: Path) -> None:
    first = start(tmp_path / "data").wait_until_ready()
    notification = first.post_the_curl_line()
    wait_for(lambda: first.sent(notification["id"]), PATIENCE, lambda: first.log)
    with redis.Redis.from_url(f"unix://{tmp_path}/data/redis.sock") as client:
        client.set("kept", "yes")
    groups = set(first.children().values())
    first.process.kill()
    first.process.wait()
    again = start(tmp_path / "data", first.port)  # at once: it waits for what is left to stop
    wait_for(lambda: not living(groups), PATIENCE, lambda: living(groups))
    again.wait_until_ready()
    assert again.curl() == first.curl()
    assert again.sent(notification["id"])
    with redis.Redis.from_url(f"unix://{tmp_path}/data/redis.sock") as client:
        assert client.get("kept") == b"yes"
    assert_it_stops_cleanly(again, signal.SIGTERM)


def test_it_stops_cleanly(start: Start, tmp_path: Path) -> None:
    running = start(tmp_path / "data").wait_until_ready()
    assert_it_stops_cleanly(running, signal.SIGINT)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", running.port)) != 0


def assert_it_stops_cleanly(running: UpProcess, number: int) -> None:
    groups = set(running.children().values())
    assert running.stop(number) == 0
    assert living(groups) == []
    assert "killed" not in running.log
    assert [line["event"] for line in running.events()][-1] == "Stopped"


def test_metrics_add_up_over_processes(up: UpProcess) -> None:
    notification = up.post_the_curl_line()
    wait_for(lambda: up.sent(notification["id"]), PATIENCE, lambda: up.log)
    shown = read(f"{up.url}/metrics")
    # Accepted by the web server, sent by a worker, recovered by the scheduler.
    assert 'notify_messages_accepted_total{channel="sms",topic="order_updates"}' in shown
    assert 'provider="outbox",reason="",status="sent",topic="order_updates"}' in shown
    assert 'notify_task_age_seconds{task="reconcile"}' in shown
    # A killed worker stays in rq's list until its time to live is over.
    assert re.search(r'notify_queue_workers\{lane="urgent"\} [1-9]', shown)


def test_metrics_can_have_a_port_of_their_own(start: Start, tmp_path: Path) -> None:
    port = free_port()
    running = start(tmp_path / "data", METRICS_PORT=str(port)).wait_until_ready()
    assert "notify_redis_up 1.0" in read(f"http://127.0.0.1:{port}/metrics")
    with pytest.raises(urllib.error.HTTPError) as refused:
        read(f"{running.url}/metrics")
    assert refused.value.code == 404
    refused.value.close()
    # Whoever held the port is gone; another process takes it over.
    os.killpg(running.children()["web"], signal.SIGKILL)
    wait_for(lambda: "notify_redis_up 1.0" in read_if_up(f"http://127.0.0.1:{port}/metrics"), PATIENCE)
    assert_it_stops_cleanly(running, signal.SIGHUP)


def read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        text: str = answer.read().decode()
        return text


def read_if_up(url: str) -> str:
    try:
        return read(url)
    except OSError:
        return ""


def answers(up: UpProcess) -> bool:
    try:
        with urllib.request.urlopen(f"{up.url}/readyz", timeout=2) as answer:
            return b'"redis":"ok"' in answer.read()
    except OSError:
        return False
