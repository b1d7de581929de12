"""Redis that hangs, restarts, or fails over: rings cost little, and workers come back by themselves."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path

import pytest
import redis
from rq import Queue
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer

from notify.domain.requests import Lane
from notify.queue_depths import RqQueues
from notify.queueing import RqWakeUps
from notify.reaching_redis import connect
from notify.up.embedded_valkey import find_server, server_command, wait_until_ready
from tests.e2e.up_process import ENVIRONMENT, wait_for
from tests.ports import free_port
from workers.listening import WarmWorker


@contextmanager
def hung(directory: Path) -> Iterator[tuple[str, Callable[[], int]]]:
    """Run a Redis that accepts connections and never answers; yields its URL, and how many came since."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(directory / "hung.sock"))
        server.listen(100)
        server.setblocking(False)

        def came() -> int:
            for number in count():
                try:
                    server.accept()[0].close()
                except BlockingIOError:
                    return number
            raise AssertionError

        yield f"unix://{directory / 'hung.sock'}", came


def test_a_hung_redis_costs_one_thread_half_a_second_at_a_time(tmp_path: Path) -> None:
    with hung(tmp_path) as (url, came):
        wake_ups = RqWakeUps(connect(url))
        assert not wake_ups.ring(Lane.URGENT, [1])
        assert came() == 1
        began = time.monotonic()

        def ring_on(_: int) -> None:
            while time.monotonic() < began + 2.2:
                assert not wake_ups.ring(Lane.URGENT, [1])
                time.sleep(0.005)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(ring_on, range(8)))
        assert 1 <= came() <= 2  # of half a second each, instead of 32


@contextmanager
def process(*command: object, **environment: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a process of our own, and end it."""
    running = subprocess.Popen(
        [str(word) for word in command], env={**ENVIRONMENT, **environment}, stdout=subprocess.DEVNULL
    )
    try:
        yield running
    finally:
        running.send_signal(signal.SIGCONT)
        running.terminate()
        try:
            running.wait(30)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
            raise


@contextmanager
def sentinel(directory: Path, watched: int, port: int) -> Iterator[None]:
    """Run a Sentinel that watches the Valkey on the port `watched` under the name `orders`."""
    directory.mkdir()
    configuration = directory / "sentinel.conf"
    configuration.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {directory}\nlogfile sentinel.log\n"
        f"sentinel monitor orders 127.0.0.1 {watched} 1\n"
        "sentinel down-after-milliseconds orders 500\nsentinel failover-timeout orders 5000\n"
    )
    with process(find_server(), configuration, "--sentinel"):
        assert wait_until_ready(f"redis://127.0.0.1:{port}")
        yield


@contextmanager
def node(directory: Path, port: int, *options: object) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a Valkey on a port."""
    directory.mkdir()
    more = ["--port", port, "--bind", "127.0.0.1", "--dir", directory, "--save", "", "--logfile", "log"]
    with process(find_server(), *more, *options) as running:
        assert wait_until_ready(f"redis://127.0.0.1:{port}")
        yield running


def test_sentinels_lead_to_the_primary_also_after_a_failover(tmp_path: Path) -> None:
    first, second, watch, nobody = (free_port() for _ in range(4))
    with ExitStack() as held:
        primary = held.enter_context(node(tmp_path / "first", first))
        held.enter_context(
            node(
                tmp_path / "second",
                second,
                "--replicaof",
                f"127.0.0.1 {first}",
                "--repl-diskless-sync-delay",
                0,
            )
        )
        held.enter_context(sentinel(tmp_path / "sentinel", first, watch))
        client = held.enter_context(
            connect(f"redis+sentinel://127.0.0.1:{nobody},127.0.0.1:{watch}/orders/1")
        )
        known = held.enter_context(redis.Redis(port=watch, decode_responses=True))
        wait_for(lambda: known.sentinel_master("orders")["num-slaves"] == 1, 20)
        wake_ups = RqWakeUps(client)
        assert wake_ups.ring(Lane.URGENT, [1])
        with redis.Redis(port=first, db=1) as direct:
            assert direct.llen("rq:queue:urgent") == 1
        primary.kill()
        wait_for(lambda: wake_ups.ring(Lane.BULK, [2]), 30)
        with redis.Redis(port=second, db=1) as direct:
            assert direct.llen("rq:queue:bulk") == 1


@contextmanager
def valkey_at(directory: Path) -> Iterator[str]:
    """Run the embedded Valkey; its address stays the same from one run to the next."""
    socket_path = directory / "redis.sock"
    url = f"unix://{socket_path}"
    with process(*server_command(find_server(), directory, socket_path)):
        assert wait_until_ready(url)
        yield url


def test_a_worker_comes_back_when_redis_does(sqlite_url: str, tmp_path: Path) -> None:
    url = f"unix://{tmp_path / 'redis.sock'}"
    settings = {
        "DATABASE_URL": sqlite_url,
        "REDIS_URL": url,
        "NOTIFY_DATA_DIR": str(tmp_path / "data"),
        "SECRET_KEYS": "signing-key-of-thirty-two-characters-1",
        "ENCRYPTION_KEYS": "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=",
    }
    with (
        connect(url) as client,
        process(sys.executable, "-m", "workers.main", "--lane", "urgent", **settings) as worker,
    ):

        def listeners() -> int:
            report = RqQueues(client).report()
            return report[0].workers if report else 0

        def idle() -> bool:
            return RqWakeUps(client).ring(Lane.URGENT, [1]) and client.llen("rq:queue:urgent") == 0

        for _ in range(2):  # it starts without Redis, and later loses it
            time.sleep(2)
            with valkey_at(tmp_path):
                wait_for(lambda: listeners() == 1, 30)
                wait_for(idle, 30)
                client.flushall()
                wait_for(lambda: listeners() == 1, 30)
        assert worker.poll() is None
        worker.terminate()
        assert worker.wait(60) == 0


def test_a_stop_that_came_while_a_line_was_logged_is_heard_later(redis_url: str) -> None:
    with connect(redis_url) as client:
        queue = Queue("urgent", connection=client, serializer=JSONSerializer)
        worker = WarmWorker([queue], connection=client, serializer=JSONSerializer)
        worker.register_birth()  # type: ignore[no-untyped-call]
        worker.heartbeat()
        with suppress(StopRequested):  # as logging does with whatever is raised meanwhile
            worker.end()
        with pytest.raises(StopRequested):
            worker.heartbeat()


def test_a_killed_worker_is_soon_not_counted(redis_url: str) -> None:
    with connect(redis_url) as client:
        client.sadd("rq:workers:urgent", "rq:worker:killed", "rq:worker:alive")
        client.hset("rq:worker:alive", "state", "idle")
        report = RqQueues(client).report()
        assert report is not None
        assert [lane.workers for lane in report] == [1, 0, 0]
