"""The pump: a slow call holds up one thread, no wake-up is lost, no thread dies, and it stops in order."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from notify.domain.errors import UnavailableError
from workers.pump import Pump

SECONDS = 5.0
"""How long what must happen is waited for; it takes milliseconds."""


class Work:
    """What is due: claimed one at a time; a call ends when its gate is open. `looks` counts the claims."""

    def __init__(self, *gates: threading.Event) -> None:
        self.changed = threading.Condition()
        self.due = list(gates)
        self.calling = 0
        self.done = 0
        self.looks = 0
        self.errors: list[Exception] = []

    def __call__(self) -> int:
        with self.changed:
            self.looks += 1
            self.changed.notify_all()
            if self.errors:
                raise self.errors.pop()
            if not self.due:
                return 0
            gate = self.due.pop(0)
            self.calling += 1
            self.changed.notify_all()
        gate.wait(SECONDS)
        with self.changed:
            self.calling -= 1
            self.done += 1
            self.changed.notify_all()
        return 1

    def add(self, *gates: threading.Event) -> None:
        with self.changed:
            self.due.extend(gates)

    def wait(self, met: Callable[[], bool], seconds: float = SECONDS) -> bool:
        with self.changed:
            return self.changed.wait_for(met, seconds)


def opened() -> threading.Event:
    gate = threading.Event()
    gate.set()
    return gate


@contextmanager
def pumping(work: Callable[[], int], threads: int = 4, look_every: float = 60.0) -> Iterator[Pump]:
    pump = Pump(work, threads, look_every=look_every)
    pump.start()
    try:
        yield pump
    finally:
        assert pump.stop(SECONDS)


def test_one_slow_call_does_not_hold_up_the_next() -> None:
    slow = threading.Event()
    work = Work(slow)
    with pumping(work) as pump:
        pump.wake(1)
        assert work.wait(lambda: work.calling == 1)
        work.add(opened())
        pump.wake(1)
        assert work.wait(lambda: work.done == 1)
        assert work.calling == 1
        slow.set()
        assert work.wait(lambda: work.done == 2)


@pytest.mark.parametrize(("count", "together"), [(3, 3), (100, 4), (None, 4)])
def test_as_many_threads_are_woken_as_asked_for(count: int | None, together: int) -> None:
    gate = threading.Event()
    work = Work(*[gate] * 6)
    with pumping(work) as pump:
        pump.wake(count)
        assert work.wait(lambda: work.calling == together)
        assert not work.wait(lambda: work.looks > together, 0.05)
        gate.set()
        assert work.wait(lambda: work.done == 6)


def test_a_thread_that_delivered_something_wakes_another() -> None:
    slow = threading.Event()
    work = Work(opened(), slow, slow, slow)
    with pumping(work) as pump:
        pump.wake(1)
        assert work.wait(lambda: work.calling == 2)
        slow.set()


def test_all_of_a_backlog_leaves_after_one_wake_up() -> None:
    work = Work(*[opened()] * 200)
    with pumping(work) as pump:
        pump.wake(1)
        assert work.wait(lambda: work.done == 200)


def test_a_wake_up_during_the_last_empty_look_is_not_lost() -> None:
    looks: list[int] = []
    looking, go_on, again = threading.Event(), threading.Event(), threading.Event()

    def deliver() -> int:
        looks.append(1)
        if len(looks) == 1:
            looking.set()
            go_on.wait(SECONDS)
        else:
            again.set()
        return 0

    with pumping(deliver, threads=1) as pump:
        pump.wake(1)
        assert looking.wait(SECONDS)
        pump.wake(1)  # what it announces was committed after this look
        go_on.set()
        assert again.wait(SECONDS)


def test_wake_ups_while_all_are_busy_lead_to_few_looks() -> None:
    gate = threading.Event()
    work = Work(gate, gate)
    with pumping(work, threads=2) as pump:
        pump.wake()
        assert work.wait(lambda: work.calling == 2)
        for _ in range(1000):
            pump.wake(1)
        gate.set()
        assert work.wait(lambda: work.done == 2)
        assert not work.wait(lambda: work.looks > 8, 0.05)


def test_it_looks_by_itself_when_nobody_rings() -> None:
    work = Work()
    with pumping(work, threads=4, look_every=0.1):
        assert not work.wait(lambda: work.looks > 0, 0.05)
        assert work.wait(lambda: work.looks >= 2)
        before = work.looks
        assert not work.wait(lambda: work.looks > before + 4, 0.2)


@pytest.mark.parametrize(
    ("error", "said"), [(UnavailableError("away"), "out of reach"), (ValueError("odd"), "delivery failed")]
)
def test_a_failure_is_logged_and_the_thread_goes_on(
    error: Exception, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    work = Work(opened())
    work.errors = [error, error]
    with caplog.at_level(logging.WARNING), pumping(work, threads=1) as pump:
        pump.wake(1)
        assert work.wait(lambda: work.done == 1)
    assert [said in record.getMessage() for record in caplog.records] == [True, True]


def test_stopping_does_not_wait_for_the_pause_after_a_failure() -> None:
    failed = threading.Event()

    def deliver() -> int:
        failed.set()
        raise UnavailableError("away")

    with pumping(deliver, threads=2) as pump:
        pump.wake()
        assert failed.wait(SECONDS)


def test_stopping_finishes_the_calls_under_way_and_claims_no_more() -> None:
    gate = threading.Event()
    work = Work(gate, gate, gate)
    with pumping(work, threads=2) as pump:
        pump.wake()
        assert work.wait(lambda: work.calling == 2)
        assert not pump.stop(0.01)
        gate.set()
        assert pump.stop(SECONDS)
    assert (work.done, len(work.due)) == (2, 1)


def test_without_its_threads_a_wake_up_is_an_error() -> None:
    pump = Pump(Work(), 2)
    with pytest.raises(RuntimeError, match=r"workers\.main"):
        pump.wake(1)
    assert pump.stop(0)
