"""The threads of a lane's worker: one claims, many call providers, one writes down what came of it.

A slow call holds up its own thread and nothing else, and what many calls came to is one transaction.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Final, Generic, TypeVar

from notify.domain.errors import UnavailableError
from notify.domain.prepared import Prepared

_log: Final = logging.getLogger(__name__)

_LOOK_EVERY_SECONDS: Final = 5.0
_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 5.0
_MOST_PREPARED: Final = 64
_MOST_RECORDED: Final = 128
_ROOM_IN_BACKLOG: Final = 32
_PATIENCE_SECONDS: Final = 0.02

W = TypeVar("W")


class Pump(Generic[W]):
    """Resident threads that deliver what is due when they are woken, until there is nothing more.

    A wake-up that comes while the claimer is looking makes it look once more. Without any it looks every
    `look_every` seconds. It never claims more than there are threads free to call at once.
    """

    def __init__(
        self,
        prepare: Callable[[int], Prepared[W]],
        send: Callable[[W], None],
        record: Callable[[Sequence[W]], None],
        threads: int,
        *,
        claimers: int = 1,
        look_every: float = _LOOK_EVERY_SECONDS,
    ) -> None:
        """`prepare` takes how many calls can begin now; the rest is as `Deliver` has it.

        With two `claimers` one works while the other waits for the database.
        """
        self._prepare = prepare
        self._send = send
        self._record = record
        self._look_every = look_every
        self._ready: SimpleQueue[W] = SimpleQueue()
        self._made: SimpleQueue[W] = SimpleQueue()
        self._changed = threading.Condition()
        self._wanted = False
        self._more = 0
        self._free = threads
        self._all = threads
        self._room = 1
        self._held = False
        self._most = _MOST_PREPARED
        self._stopped = threading.Event()
        self._started = False
        self._callers = 0
        self._idle = 0
        # Daemons, so that a call that outlasts `stop` cannot hold up the end of the process.
        self._claimers = [
            threading.Thread(target=self._claim, name=f"claim-{number}", daemon=True)
            for number in range(claimers)
        ]
        self._recorder = threading.Thread(
            target=self._run, args=(self._record_some,), name="record", daemon=True
        )

    def start(self) -> None:
        """Start the threads that claim and record; those that call are started when they are needed."""
        self._started = True
        for thread in (*self._claimers, self._recorder):
            thread.start()

    def wake(self) -> None:
        """Have the claimer look for work; RuntimeError if it was not started."""
        if not self._started:
            raise RuntimeError("no thread to wake: only `python -m workers.main` can do this job")
        with self._changed:
            self._wanted = True
            self._changed.notify_all()

    def stop(self, timeout: float) -> bool:
        """Claim no more; wait `timeout` seconds at most for the calls under way; say whether all ended."""
        deadline = time.monotonic() + timeout
        self._stopped.set()
        with self._changed:
            self._changed.notify_all()
        for thread in self._claimers if self._started else ():
            thread.join(max(0.0, deadline - time.monotonic()))
        with self._changed:
            return self._changed.wait_for(
                lambda: self._free == self._all, max(0.0, deadline - time.monotonic())
            )

    def _claim(self) -> None:
        """Prepare as much as can be called at once, until told to stop. Whatever goes wrong, go on."""
        pause = _FIRST_PAUSE_SECONDS
        look_in = self._look_every
        while asked := self._await_turn(look_in):
            try:
                found = self._prepare(asked)
            except Exception as error:  # noqa: BLE001 - a thread that died would be missed for good
                self._release(asked)
                _report(error)
                self._stopped.wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
                self.wake()
                continue
            pause = _FIRST_PAUSE_SECONDS
            with self._changed:
                self._free += asked - len(found.works) - len(found.idle)
                if found.claimed:  # there may be more, for each claimer
                    self._more = len(self._claimers)
                self._held = found.pause is not None
                # With a backlog, many at once: a transaction costs as much for one as for sixty. But what
                # others' slow calls leave free is enough after a moment.
                self._room = min(_ROOM_IN_BACKLOG, asked) if found.claimed >= asked else 1
                self._most = self._modest(found)
                if self._more:
                    self._changed.notify_all()
            self._call(found.works)
            for work in found.idle:
                self._made.put(work)
            look_in = self._look_every if found.pause is None else min(found.pause, self._look_every)

    def _modest(self, found: Prepared[W]) -> int:
        """Return how many to claim next: about as many as the providers' limits let through."""
        if found.pause is not None and found.claimed > len(found.works):
            return max(1, len(found.works))
        return min(self._most * 2, _MOST_PREPARED)

    def _await_turn(self, look_in: float) -> int:
        """Wait until there is reason to look, and room for a call; take places, and return how many."""
        begun = time.monotonic()
        with self._changed:
            while not self._stopped.is_set():
                waited = time.monotonic() - begun
                wait = look_in - waited
                if self._wanted or self._more or wait <= 0:
                    patience = _PATIENCE_SECONDS - waited
                    if self._free >= self._room or (self._free and patience <= 0):
                        self._wanted = False
                        self._more = max(0, self._more - 1)
                        asked = min(self._free, self._most)
                        self._free -= asked
                        return asked
                    wait = patience if self._free else self._look_every
                self._changed.wait(wait)
        return 0

    def _call(self, works: Sequence[W]) -> None:
        """Hand works to threads that are idle, and start as many more as it takes.

        Where the machine has no more threads, this one makes the calls: nothing may wait behind its gate.
        """
        with self._changed:
            missing = max(0, len(works) - self._idle)
            self._idle += missing - len(works)
        for work in works:
            self._ready.put(work)
        try:
            while missing:
                self._start_caller(f"call-{self._callers + 1}")
                self._callers += 1
                missing -= 1
        except RuntimeError as error:
            _report(error)
            with self._changed:
                self._idle -= missing
            with suppress(Empty):
                while True:
                    self._make(self._ready.get_nowait())

    def _start_caller(self, name: str) -> None:
        threading.Thread(target=self._run, args=(self._call_one,), name=name, daemon=True).start()

    def _run(self, work: Callable[[], None]) -> None:
        while True:
            work()

    def _call_one(self) -> None:
        self._make(self._ready.get())

    def _make(self, work: W) -> None:
        failure: Exception | None = None
        try:
            self._send(work)
        except Exception as error:  # noqa: BLE001 - the thread must live; the lease tells what is unknown
            failure = error
        with self._changed:
            self._idle += 1  # before its place is free, so that no thread more is started for the next
        if failure is None:
            self._made.put(work)
        else:
            _report(failure)
            self._release(1)

    def _record_some(self) -> None:
        """Record all calls that ended meanwhile, at once."""
        works = [self._made.get()]
        try:
            while len(works) < _MOST_RECORDED:
                works.append(self._made.get_nowait())
        except Empty:
            pass
        try:
            self._record_in_the_end(works)
        except Exception as error:  # noqa: BLE001 - as above
            _report(error)
            if len(works) > 1:
                self._record_apart(works)
        finally:
            self._release(len(works))

    def _record_in_the_end(self, works: Sequence[W]) -> None:
        """Record, as soon as the database is there: what is known of calls must not be lost."""
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                return self._record(works)
            except UnavailableError as error:
                _report(error)
                if self._stopped.wait(pause):
                    return self._record(works)  # a last time
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    def _record_apart(self, works: Sequence[W]) -> None:
        """Record one by one, so that one that cannot be recorded takes no other along."""
        for work in works:
            try:
                self._record([work])
            except Exception as error:  # noqa: BLE001 - as above
                _report(error)

    def _release(self, count: int) -> None:
        with self._changed:
            self._free += count
            self._most = min(self._most + count, _MOST_PREPARED)
            self._wanted = self._wanted or self._held  # a place for what had to wait
            self._changed.notify_all()


def _report(error: Exception) -> None:
    if isinstance(error, UnavailableError):
        _log.warning("database out of reach", extra={"error": str(error)})
    else:
        _log.error("delivery failed", exc_info=error)
