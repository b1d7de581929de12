"""Errands to providers: done once, tried again later and later, told of when overdue."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from notify.domain.alerts import ERRAND_OVERDUE
from notify.domain.errands import ErrandError
from notify.usecases.run_errands import RunErrands
from tests.world import World


class Forgetful:
    """A provider that fails at first."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.asked: list[Mapping[str, Any]] = []

    def __call__(self, payload: Mapping[str, Any]) -> None:
        self.asked.append(payload)
        if len(self.asked) <= self.failures:
            raise ErrandError("away")


def add(world: World, kind: str = "forget") -> None:
    with world.parts.store.write() as tx:
        tx.errands.add(kind, {"addresses": ["awa.diop@example.com"]}, world.clock())


def test_an_errand_is_done_once_and_its_payload_goes(world: World) -> None:
    provider = Forgetful(failures=1)
    run = RunErrands(world.parts.store, {"forget": provider}, world.clock)
    add(world)
    add(world, "of another kind")
    assert run() == 0
    assert run() == 0  # it waits for its pause
    world.clock.advance(timedelta(minutes=1))
    assert run() == 1
    world.clock.advance(timedelta(days=2))
    assert run() == 0
    assert provider.asked == [{"addresses": ["awa.diop@example.com"]}] * 2
    with world.parts.engine.connect() as connection:
        kept = connection.execute(text("SELECT kind FROM errands")).scalars().all()
    assert kept == ["of another kind"]


def test_an_errand_that_somebody_is_at_is_not_begun_again(world: World) -> None:
    add(world)
    run = RunErrands(world.parts.store, {"forget": lambda _: None}, world.clock)
    with world.parts.store.write() as tx:
        now = world.clock()
        assert len(tx.errands.take(["forget"], now, now + timedelta(minutes=10), 5)) == 1
    assert run() == 0
    world.clock.advance(timedelta(minutes=10))  # the other one was lost
    assert run() == 1


def test_after_a_week_each_failure_is_an_error(world: World, caplog: pytest.LogCaptureFixture) -> None:
    add(world)
    run = RunErrands(world.parts.store, {"forget": Forgetful(failures=99)}, world.clock)
    caplog.set_level(logging.INFO, logger="notify.usecases.run_errands")
    levels = []
    for _ in range(13):
        caplog.clear()
        run()
        levels += [
            record.levelno for record in caplog.records if record.name == "notify.usecases.run_errands"
        ]
        world.clock.advance(timedelta(days=1))
    assert levels == [logging.WARNING] * 7 + [logging.ERROR] * 6
    with world.parts.store.read() as tx:
        (alert,) = tx.alerts.open_ones()
    assert (alert.kind, alert.details) == (ERRAND_OVERDUE, {"kind": "forget", "errand": 1})
