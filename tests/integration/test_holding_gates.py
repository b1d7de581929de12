"""Whoever finds more to lock than it has locked gives back first, or it would deadlock (PostgreSQL)."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from notify.usecases.preferences.holding import held
from tests.world import World, settings_for

_WAITING = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")


@pytest.fixture
def world(postgres_url: str, tmp_path: Path) -> Iterator[World]:
    found = World(settings_for(postgres_url, tmp_path))
    yield found
    found.parts.close()


def test_locks_that_turn_out_too_few_are_given_back_first(world: World) -> None:
    store = world.parts.store
    finds = iter([{5}, {5, 3}, {5, 3}])

    def grow() -> set[int]:
        with store.write() as tx:
            return held(tx, lambda: next(finds), lambda people: (people, ()))

    with ThreadPoolExecutor(1) as pool:
        with store.write() as other:
            other.consents.lock_out_gates([3], ())
            growing = pool.submit(grow)
            until_somebody_waits(world)
            other.consents.lock_out_gates([5], ())  # in order; free, though the other had it
        assert growing.result(10) == {5, 3}


def until_somebody_waits(world: World) -> None:
    deadline = time.monotonic() + 10
    with world.parts.engine.connect() as connection:
        while not connection.scalar(_WAITING):
            connection.rollback()
            assert time.monotonic() < deadline
            time.sleep(0.01)
