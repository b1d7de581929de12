"""The scheduler's loop: paces, failures and the end."""

import logging
import threading
import time

import pytest

from notify.domain.errors import UnavailableError
from workers.schedule import Task, run


class Ticks:
    """Counts its runs, raises `error` if there is one, and sets `stop` at the run number `last`."""

    def __init__(
        self, error: Exception | None = None, stop: threading.Event | None = None, last: int = 0
    ) -> None:
        self.at: list[float] = []
        self._error = error
        self._stop = stop
        self._last = last

    def __call__(self) -> None:
        self.at.append(time.monotonic())
        if self._stop and len(self.at) == self._last:
            self._stop.set()
        if self._error:
            raise self._error


@pytest.mark.parametrize(
    ("error", "level", "said"),
    [
        (UnavailableError("away"), logging.WARNING, "database out of reach"),
        (ZeroDivisionError(), logging.ERROR, "task failed"),
    ],
)
def test_a_failing_task_stops_neither_the_others_nor_itself(
    error: Exception, level: int, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="workers.schedule")
    stop = threading.Event()
    failing, sound = Ticks(error), Ticks(stop=stop, last=3)
    run([Task("failing", 0.0, failing), Task("sound", 0.0, sound)], stop)
    assert (len(failing.at), len(sound.at)) == (3, 3)
    told = [record for record in caplog.records if record.name == "workers.schedule"]
    assert {(record.levelno, record.getMessage()) for record in told} == {(level, said)}
    assert {vars(record)["task"] for record in told} == {"failing"}


def test_each_task_keeps_its_own_pace() -> None:
    stop, began = threading.Event(), time.monotonic()
    often, seldom = Ticks(stop=stop, last=4), Ticks()
    run([Task("often", 0.1, often), Task("seldom", 60.0, seldom)], stop)
    assert [at >= began + 0.1 * number for number, at in enumerate(often.at)] == [True] * 4
    assert len(seldom.at) == 1


def test_it_ends_while_it_waits() -> None:
    stop = threading.Event()
    ticks = Ticks()
    thread = threading.Thread(target=run, args=([Task("seldom", 60.0, ticks)], stop))
    thread.start()
    while not ticks.at:
        time.sleep(0.001)
    stop.set()
    thread.join(5)
    assert not thread.is_alive()


def test_once_told_to_stop_nothing_runs() -> None:
    stop = threading.Event()
    stop.set()
    ticks = Ticks()
    run([Task("any", 0.0, ticks)], stop)
    assert ticks.at == []
