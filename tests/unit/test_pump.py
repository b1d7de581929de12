"""The pump: a slow call holds up one thread, no wake-up is lost, no thread dies, and it stops in order."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from notify.domain.errors import UnavailableError
from notify.domain.prepared import Prepared
from workers.pump import Pump

SECONDS = 5.0
"""How long what must happen is waited for; it takes milliseconds."""


class Work:
    """What is due: each item is a gate, whose call ends when it is open. `looks` counts the claims."""

    def __init__(self, *gates: threading.Event) -> None:
        self.changed = threading.Condition()
        self.due = list(gates)
        self.calling = 0
        self.recorded: list[int] = []
        self.looks = 0
        self.errors: list[Exception] = []
        self.record_errors: list[Exception] = []
        self.pauses: list[float] = []

    @property
    def done(self) -> int:
        return sum(self.recorded)

    def prepare(self, limit: int) -> Prepared[threading.Event]:
        with self.changed:
            self.looks += 1
            self.changed.notify_all()
            if self.errors:
                raise self.errors.pop()
            taken, self.due = self.due[:limit], self.due[limit:]
            return Prepared(len(taken), taken, pause=self.pauses.pop() if self.pauses else None)

    def send(self, gate: threading.Event) -> None:
        with self.changed:
            self.calling += 1
            self.changed.notify_all()
        gate.wait(SECONDS)
        with self.changed:
            self.calling -= 1

    def record(self, works: Sequence[threading.Event]) -> None:
        with self.changed:
            if self.record_errors:
                raise self.record_errors.pop()
            self.recorded.append(len(works))
            self.changed.notify_all()

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


def pump_for(
    work: Work, threads: int = 4, look_every: float = 60.0, claimers: int = 1
) -> Pump[threading.Event]:
    return Pump(work.prepare, work.send, work.record, threads, claimers=claimers, look_every=look_every)


@contextmanager
def pumping(
    work: Work, threads: int = 4, look_every: float = 60.0, claimers: int = 1
) -> Iterator[Pump[threading.Event]]:
    pump = pump_for(work, threads, look_every, claimers)
    pump.start()
    try:
        yield pump
    finally:
        assert pump.stop(SECONDS)


def test_one_slow_call_does_not_hold_up_the_next() -> None:
    slow = threading.Event()
    work = Work(slow)
    with pumping(work) as pump:
        pump.wake()
        assert work.wait(lambda: work.calling == 1)
        work.add(opened())
        pump.wake()
        assert work.wait(lambda: work.done == 1)
        assert work.calling == 1
        slow.set()
        assert work.wait(lambda: work.done == 2)


def test_no_more_is_claimed_than_can_be_called_at_once() -> None:
    gate = threading.Event()
    work = Work(*[gate] * 6)
    with pumping(work, threads=4) as pump:
        pump.wake()
        assert work.wait(lambda: work.calling == 4)
        pump.wake()
        assert not work.wait(lambda: len(work.due) < 2, 0.05)
        gate.set()
        assert work.wait(lambda: work.done == 6)


def test_two_claimers_together_claim_no_more_than_can_be_called_at_once() -> None:
    gate = threading.Event()
    work = Work(*[gate] * 50)
    with pumping(work, threads=4, claimers=2) as pump:
        pump.wake()
        assert work.wait(lambda: work.calling == 4)
        assert not work.wait(lambda: len(work.due) < 46, 0.05)
        gate.set()
        assert work.wait(lambda: work.done == 50)


def test_one_claimer_works_while_the_other_waits() -> None:
    two = threading.Event()
    inside = threading.Semaphore(1)

    class Slow(Work):
        def prepare(self, limit: int) -> Prepared[threading.Event]:
            found = super().prepare(1)
            if inside.acquire(blocking=False):
                if self.looks > 1:  # the first one tells that there is more
                    two.wait(SECONDS)
                inside.release()
            else:
                two.set()
            return found

    work = Slow(*[opened() for _ in range(10)])
    # More places than one claimer takes at once, so that some are left for the other.
    with pumping(work, threads=200, claimers=2) as pump:
        pump.wake()
        assert work.wait(lambda: work.done == 10)
        assert two.is_set()


def test_what_ends_together_is_recorded_together() -> None:
    gate = threading.Event()
    work = Work(*[gate] * 40)
    with pumping(work, threads=40) as pump:
        pump.wake()
        assert work.wait(lambda: work.calling == 40)
        gate.set()
        assert work.wait(lambda: work.done == 40)
    assert len(work.recorded) < 40


def test_all_of_a_backlog_leaves_after_one_wake_up() -> None:
    work = Work(*[opened()] * 200)
    with pumping(work) as pump:
        pump.wake()
        assert work.wait(lambda: work.done == 200)


def test_a_wake_up_during_an_empty_look_is_not_lost() -> None:
    looking, go_on = threading.Event(), threading.Event()

    class Slow(Work):
        def prepare(self, limit: int) -> Prepared[threading.Event]:
            found = super().prepare(limit)
            if self.looks == 1:
                looking.set()
                go_on.wait(SECONDS)
            return found

    work = Slow()
    with pumping(work) as pump:
        pump.wake()
        assert looking.wait(SECONDS)
        work.add(opened())  # committed after this look has read
        pump.wake()
        go_on.set()
        assert work.wait(lambda: work.done == 1)


def test_wake_ups_while_all_are_busy_lead_to_few_looks() -> None:
    gate = threading.Event()
    work = Work(gate, gate)
    with pumping(work, threads=2) as pump:
        pump.wake()
        assert work.wait(lambda: work.calling == 2)
        for _ in range(1000):
            pump.wake()
        gate.set()
        assert work.wait(lambda: work.done == 2)
        assert not work.wait(lambda: work.looks > 8, 0.05)


def test_what_had_to_wait_is_looked_for_when_its_time_has_come() -> None:
    work = Work()
    work.pauses = [0.05]
    with pumping(work) as pump:
        pump.wake()
        assert work.wait(lambda: work.looks == 2)
        assert not work.wait(lambda: work.looks > 2, 0.1)


def test_what_had_to_wait_for_a_place_is_looked_for_when_one_is_free() -> None:
    gate = threading.Event()
    work = Work(gate)
    work.pauses = [60.0, 60.0]
    with pumping(work) as pump:
        pump.wake()
        assert work.wait(lambda: work.calling == 1 and work.looks == 2)
        work.add(opened())
        gate.set()
        assert work.wait(lambda: work.done == 2)


def test_it_looks_by_itself_when_nobody_rings() -> None:
    work = Work()
    with pumping(work, look_every=0.1):
        assert not work.wait(lambda: work.looks > 0, 0.05)
        assert work.wait(lambda: work.looks >= 2)
        before = work.looks
        assert not work.wait(lambda: work.looks > before + 4, 0.2)


@pytest.mark.parametrize(
    ("error", "said"), [(UnavailableError("away"), "out of reach"), (ValueError("odd"), "delivery failed")]
)
def test_a_failure_to_claim_is_logged_and_the_thread_goes_on(
    error: Exception, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    work = Work(opened())
    work.errors = [error, error]
    with caplog.at_level(logging.WARNING), pumping(work, threads=1) as pump:
        pump.wake()
        assert work.wait(lambda: work.done == 1)
    assert [said in record.getMessage() for record in caplog.records] == [True, True]


def test_what_cannot_be_recorded_takes_nothing_else_along() -> None:
    gate = threading.Event()
    work = Work(*[gate] * 8)
    work.record_errors = [ValueError("odd"), ValueError("odd")]
    with pumping(work, threads=8) as pump:
        pump.wake()
        assert work.wait(lambda: work.calling == 8)
        gate.set()
        assert work.wait(lambda: work.done >= 6)
        work.add(opened())
        pump.wake()
        assert work.wait(lambda: not work.due)


def test_what_is_known_of_calls_outlasts_a_database_that_is_away() -> None:
    work = Work(opened(), opened())
    work.record_errors = [UnavailableError("away")] * 3
    with pumping(work, threads=2) as pump:
        pump.wake()
        assert work.wait(lambda: work.done == 2)


def test_what_needs_no_call_is_recorded_and_gives_its_place_back() -> None:
    class Idle(Work):
        def prepare(self, limit: int) -> Prepared[threading.Event]:
            found = super().prepare(limit)
            return Prepared(found.claimed, idle=found.works)

    work = Idle(*[threading.Event()] * 5)
    with pumping(work, threads=2) as pump:
        pump.wake()
        assert work.wait(lambda: work.done == 5)
        assert work.calling == 0


def test_a_call_that_raises_gives_its_place_back() -> None:
    class Raises(Work):
        def send(self, gate: threading.Event) -> None:
            if len(self.due) == 1:
                raise ValueError("odd")
            super().send(gate)

    work = Raises(opened(), opened())
    with pumping(work, threads=1) as pump:
        pump.wake()
        assert work.wait(lambda: work.done == 1)


def test_stopping_does_not_wait_for_the_pause_after_a_failure() -> None:
    work = Work()
    work.errors = [UnavailableError("away")] * 50
    with pumping(work, threads=2) as pump:
        pump.wake()
        assert work.wait(lambda: work.looks >= 1)


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


def test_where_no_thread_can_be_started_the_calls_are_made_all_the_same() -> None:
    class Crowded(Pump[threading.Event]):
        def _start_caller(self, name: str) -> None:
            if name != "call-1":
                raise RuntimeError("can't start new thread")
            super()._start_caller(name)

    work = Work(*[opened()] * 30)
    pump = Crowded(work.prepare, work.send, work.record, 8, look_every=60.0)
    pump.start()
    pump.wake()
    assert work.wait(lambda: work.done == 30)
    assert pump.stop(SECONDS)


def test_without_its_threads_a_wake_up_is_an_error() -> None:
    pump = pump_for(Work(), 2)
    with pytest.raises(RuntimeError, match=r"workers\.main"):
        pump.wake()
    assert pump.stop(0)
