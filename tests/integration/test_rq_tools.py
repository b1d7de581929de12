"""rq's own tools show our queues unchanged, and so do our depths."""

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import redis
from flask import Flask
from flask.testing import FlaskClient
from rq import Queue
from rq.serializers import JSONSerializer
from rq_dashboard.cli import make_flask_app
from rq_dashboard.web import config as dashboard_config
from rq_dashboard.web import setup_rq_connection

from notify.domain.requests import Lane
from notify.queue_depths import RqQueues
from notify.queueing import RqWakeUps
from notify.reaching_redis import connect


def ring(redis_url: str) -> redis.Redis:
    connection = connect(redis_url)
    wake_ups = RqWakeUps(connection)
    assert wake_ups.ring(Lane.URGENT, [1, 2])
    assert wake_ups.ring(Lane.URGENT, [3])
    assert wake_ups.ring(Lane.BULK, [4])
    return connection


def test_rq_info_shows_the_lanes(redis_url: str) -> None:
    ring(redis_url).close()
    shown = subprocess.run(
        [Path(sys.executable).with_name("rq"), "info", "--url", redis_url, "--raw"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "queue urgent 2" in shown
    assert "queue bulk 1" in shown


def test_rq_dashboard_shows_the_lanes_and_their_jobs(redis_url: str) -> None:
    ring(redis_url).close()
    with dashboard(redis_url) as client:
        queues = client.get("/0/data/queues.json").get_json()["queues"]
        assert {queue["name"]: queue["count"] for queue in queues} == {"urgent": 2, "bulk": 1}
        jobs = client.get("/0/data/jobs/urgent/queued/10/asc/1.json").get_json()["jobs"]
        assert jobs[0]["description"].startswith("workers.jobs.deliver('urgent', [1, 2]")


def dashboard(redis_url: str) -> FlaskClient:
    app: Flask = make_flask_app(None, None, None, "")
    app.config["RQ_DASHBOARD_REDIS_URL"] = (redis_url,)
    dashboard_config.serializer = JSONSerializer
    setup_rq_connection(app)
    return app.test_client()


def test_depths_say_what_waits_since_when(redis_url: str) -> None:
    connection = ring(redis_url)
    lanes = RqQueues(connection).report()
    assert lanes is not None
    urgent, normal, bulk = lanes
    assert (urgent.lane, urgent.depth, urgent.failed, urgent.workers) == (Lane.URGENT, 2, 0, 0)
    assert urgent.oldest_at is not None
    assert abs(datetime.now(UTC) - urgent.oldest_at) < timedelta(seconds=10)
    assert (normal.depth, normal.oldest_at, bulk.depth) == (0, None, 1)
    connection.close()


def test_without_redis_there_is_no_report(tmp_path: Path) -> None:
    connection = connect(f"unix://{tmp_path}/nobody-listens.sock")
    assert RqQueues(connection).report() is None
    assert not RqQueues(connection).reachable()
    assert not RqWakeUps(connection).ring(Lane.URGENT, [1])


def test_the_fourth_bell_stands_for_all_that_follow(redis_url: str) -> None:
    connection = connect(redis_url)
    wake_ups = RqWakeUps(connection)
    assert all(wake_ups.ring(Lane.URGENT, [number]) for number in range(1, 8))
    queue = Queue("urgent", connection=connection, serializer=JSONSerializer)
    assert [job.args[1] for job in queue.jobs] == [[1], [2], [3], []]
    assert {job.timeout for job in queue.jobs} == {60}
    connection.close()


def test_orders_in_quick_succession_share_one_more_bell_that_comes_after_them(redis_url: str) -> None:
    connection = connect(redis_url)
    wake_ups = RqWakeUps(connection, pause=1.0)
    queue = Queue("urgent", connection=connection, serializer=JSONSerializer)
    assert all(wake_ups.ring(Lane.URGENT, [number]) for number in range(1, 100))
    assert wake_ups.ring(Lane.BULK, [100])  # another lane has a bell of its own
    assert [job.args[1] for job in queue.jobs] == [[1]]
    deadline = time.monotonic() + 20
    while queue.count < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [job.args[1] for job in queue.jobs] == [[1], []]
    connection.close()
