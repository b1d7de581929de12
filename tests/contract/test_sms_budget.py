"""The daily limit of SMS, exact on both databases."""

import threading
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import Engine

from notify.storage.engine import open_engine, transaction
from notify.storage.sms_budget import SqlSmsBudget

TODAY = date(2026, 11, 23)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    found = open_engine(database_url)
    yield found
    found.dispose()


def spend(engine: Engine, wanted: int, limit: int, day: date = TODAY) -> int:
    with transaction(engine, write=True) as connection:
        return SqlSmsBudget(connection).spend(day, wanted, limit)


def used(engine: Engine, day: date = TODAY) -> int:
    with transaction(engine, write=False) as connection:
        return SqlSmsBudget(connection).used(day)


def test_what_is_left_is_granted_and_no_more(engine: Engine) -> None:
    assert used(engine) == 0
    assert [spend(engine, wanted, 10) for wanted in (4, 4, 4, 1, 0)] == [4, 4, 2, 0, 0]
    assert used(engine) == 10


def test_a_lower_limit_takes_nothing_back_and_a_higher_one_counts_at_once(engine: Engine) -> None:
    spend(engine, 8, 10)
    assert spend(engine, 1, 5) == 0
    assert spend(engine, 9, 12) == 4
    assert spend(engine, 1, 0) == 0
    assert used(engine) == 12


def test_each_day_has_its_own(engine: Engine) -> None:
    assert spend(engine, 5, 5) == 5
    assert spend(engine, 5, 5, TODAY + timedelta(days=1)) == 5


def test_what_was_rolled_back_was_not_spent(engine: Engine) -> None:
    with engine.connect() as connection:
        assert SqlSmsBudget(connection).spend(TODAY, 5, 5) == 5
        connection.rollback()
    assert spend(engine, 5, 5) == 5


def test_old_days_are_forgotten(engine: Engine) -> None:
    for days in (0, 1, 40):
        spend(engine, 1, 5, TODAY - timedelta(days=days))
    with transaction(engine, write=True) as connection:
        budget = SqlSmsBudget(connection)
        assert budget.forget_before(TODAY - timedelta(days=30)) == 1
        assert budget.forget_before(TODAY - timedelta(days=30)) == 0
    assert used(engine, TODAY - timedelta(days=1)) == 1


def test_exact_however_many_spend_at_once(engine: Engine) -> None:
    granted: list[int] = []
    start = threading.Barrier(8)

    def worker() -> None:
        start.wait()
        granted.extend(spend(engine, wanted, 50) for wanted in (1, 3, 2, 4))

    threads = [threading.Thread(target=worker) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(granted) == 32
    assert sum(granted) == used(engine) == 50
