"""What waits in the database, on SQLite and PostgreSQL."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert

from notify.cli.status import lines
from notify.domain.backlog import LaneBacklog, SmsUse
from notify.domain.errors import UnavailableError
from notify.domain.requests import Lane
from notify.storage.backlog import SqlBacklog
from notify.storage.engine import open_engine
from notify.storage.sms_budget import SqlSmsBudget
from notify.storage.tables import Dispatch, Heartbeat
from tests.ports import free_port

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


def add(engine: Engine, lane: Lane, phase: str, due_at: datetime, **more: object) -> None:
    values = {"lane": lane, "channel": "sms", "phase": phase, "due_at": due_at, "planned_at": due_at}
    with engine.begin() as connection:
        connection.execute(insert(Dispatch).values(attempt=0, lapses=0, **values, **more))


def test_what_waits_in_packs_is_counted_one_by_one(engine: Engine) -> None:
    for due_at in (NOW, NOW + timedelta(hours=1)):
        add(engine, Lane.BULK, "packed", due_at, campaign_id=1, size=40)
    add(engine, Lane.BULK, "waiting", NOW + timedelta(hours=1))
    assert SqlBacklog(engine).report(NOW).lanes[-1] == LaneBacklog(Lane.BULK, 0, 81, 0, 0, None)


def test_nothing_waits_in_a_new_database(engine: Engine) -> None:
    report = SqlBacklog(engine).report(NOW)
    assert report.lanes == [LaneBacklog(lane, 0, 0, 0, 0, None) for lane in Lane]
    assert report.beats == {}


def test_dispatches_are_counted_by_lane_and_phase(engine: Engine) -> None:
    hour = timedelta(hours=1)
    add(engine, Lane.URGENT, "waiting", NOW - 2 * hour)
    add(engine, Lane.URGENT, "waiting", NOW - hour)
    add(engine, Lane.URGENT, "waiting", NOW + hour)
    add(engine, Lane.URGENT, "claimed", NOW - 3 * hour)
    add(engine, Lane.URGENT, "done", NOW - 9 * hour)
    add(engine, Lane.BULK, "calling", NOW - hour)
    urgent, normal, bulk = SqlBacklog(engine).report(NOW).lanes
    assert urgent == LaneBacklog(Lane.URGENT, 2, 1, 1, 0, NOW - 2 * hour)
    assert normal == LaneBacklog(Lane.NORMAL, 0, 0, 0, 0, None)
    assert bulk == LaneBacklog(Lane.BULK, 0, 0, 0, 1, None)


def test_the_days_sms_are_told_where_they_are_limited(engine: Engine) -> None:
    with engine.begin() as connection:
        SqlSmsBudget(connection).spend(NOW.date(), 7, 50)
        SqlSmsBudget(connection).spend(NOW.date() - timedelta(days=1), 9, 50)
    report = SqlBacklog(engine, 50).report(NOW)
    assert report.sms == SmsUse(7, 50)
    assert "SMS today (UTC): 7 of 50" in list(lines(report, None, NOW))
    assert SqlBacklog(engine).report(NOW).sms is None


def test_heartbeats_are_told(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(insert(Heartbeat).values(name="reconcile", beat_at=NOW))
    assert SqlBacklog(engine).report(NOW).beats == {"reconcile": NOW}


def test_a_migrated_database_is_told_from_an_empty_one(engine: Engine, tmp_path: Path) -> None:
    assert SqlBacklog(engine).reachable()
    assert SqlBacklog(engine).migrated()
    empty = open_engine(f"sqlite:///{tmp_path / 'empty.db'}")
    assert SqlBacklog(empty).reachable()
    assert not SqlBacklog(empty).migrated()
    empty.dispose()


def test_an_empty_postgresql_is_not_migrated(empty_postgres_url: str) -> None:
    engine = open_engine(empty_postgres_url)
    assert not SqlBacklog(engine).migrated()
    engine.dispose()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_database_out_of_reach_is_unavailable(kind: str, tmp_path: Path) -> None:
    urls = {
        "sqlite": f"sqlite:///{tmp_path / 'missing' / 'notify.db'}",
        "postgresql": f"postgresql+psycopg://notify@127.0.0.1:{free_port()}/notify",
    }
    backlog = SqlBacklog(open_engine(urls[kind]))
    assert not backlog.reachable()
    assert not backlog.migrated()
    with pytest.raises(UnavailableError):
        backlog.report(NOW)
