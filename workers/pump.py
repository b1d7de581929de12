"""The threads of a lane's worker: a slow call to a provider holds up one of them, not the lane."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from notify.domain.errors import UnavailableError

_log: Final = logging.getLogger(__name__)

_LOOK_EVERY_SECONDS: Final = 5.0
_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 5.0


class Pump:
    """Resident threads that call `deliver` when they are woken, until it finds nothing more.

    A wake-up is kept until a thread has acted on it: one that comes while all are busy, or while one is just
    finding nothing, makes that thread look once more. Without any, one looks every `look_every` seconds.
    """

    def __init__(
        self, deliver: Callable[[], int], threads: int, *, look_every: float = _LOOK_EVERY_SECONDS
    ) -> None:
        """`deliver` claims the oldest dispatch that is due, delivers it, and returns how many it claimed."""
        self._deliver = deliver
        self._changed = threading.Condition()
        self._looks_wanted = 0
        self._look_every = look_every
        self._next_look = time.monotonic() + look_every
        self._started = False
        self._stopped = threading.Event()
        # Daemons, so that a call that outlasts `stop` cannot hold up the end of the process.
        self._threads = [
            threading.Thread(target=self._run, name=f"deliver-{number}", daemon=True)
            for number in range(threads)
        ]

    def start(self) -> None:
        """Start the threads."""
        self._started = True
        for thread in self._threads:
            thread.start()

    def wake(self, count: int | None = None) -> None:
        """Have `count` threads look for work, or all of them; RuntimeError if they were not started."""
        if not self._started:
            raise RuntimeError("no thread to wake: only `python -m workers.main` can do this job")
        with self._changed:
            wanted = self._looks_wanted + (len(self._threads) if count is None else count)
            self._looks_wanted = min(wanted, len(self._threads))
            self._changed.notify(self._looks_wanted)

    def stop(self, timeout: float) -> bool:
        """Claim no more; wait `timeout` seconds at most for the calls under way; say whether all ended."""
        self._stopped.set()
        with self._changed:
            self._changed.notify_all()
        deadline = time.monotonic() + timeout
        for thread in self._threads if self._started else ():
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        while self._await_turn():
            self._deliver_all()

    def _await_turn(self) -> bool:
        """Wait until this thread is to look for work; False when it is to end."""
        with self._changed:
            while not self._stopped.is_set():
                now = time.monotonic()
                if self._looks_wanted or now >= self._next_look:
                    self._looks_wanted = max(0, self._looks_wanted - 1)
                    self._next_look = now + self._look_every
                    return True
                self._changed.wait(self._next_look - now)
            return False

    def _deliver_all(self) -> None:
        """Deliver until nothing is left. Whatever goes wrong, the thread goes on after a pause."""
        pause = _FIRST_PAUSE_SECONDS
        while not self._stopped.is_set():
            try:
                claimed = self._deliver()
            except Exception as error:  # noqa: BLE001 - a thread that died would be missed for good
                _report(error)
                self._stopped.wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
                continue
            if not claimed:
                return
            pause = _FIRST_PAUSE_SECONDS
            self.wake(1)  # there may be more than this thread can do


def _report(error: Exception) -> None:
    if isinstance(error, UnavailableError):
        _log.warning("database out of reach")
    else:
        _log.error("delivery failed", exc_info=error)
