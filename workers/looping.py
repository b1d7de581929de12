"""A use case that runs again and again on a thread of its own, at once while there is more to do."""

import logging
import os
import sys
import threading
from collections.abc import Callable
from typing import Final

from notify.domain.errors import UnavailableError

_log: Final = logging.getLogger(__name__)

_SHORTEST_IDLE_SECONDS: Final = 0.05
_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 10.0


class Loop:
    """Runs until it is stopped. Whatever goes wrong, it goes on, after pauses that grow."""

    def __init__(
        self,
        name: str,
        run: Callable[[], int],
        idle: float,
        *,
        first_pause: float = _FIRST_PAUSE_SECONDS,
        niceness: int = 0,
    ) -> None:
        """`run` returns how much it did; after trouble it waits for `first_pause` seconds.

        After 0 it waits too: for a moment first, since work seldom comes alone, and then for up to `idle`.
        `niceness` is how far it stands back when others want the processor, where threads can (on Linux).
        """
        self._niceness = niceness
        self._name = name
        self._step = run
        self._idle = idle
        self._first_pause = first_pause
        self._stopped = threading.Event()
        # A daemon, so that a call that hangs cannot hold up the end of the process.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """Begin nothing more; wait `timeout` seconds at most for what is under way; say whether it ended."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        if self._niceness and sys.platform == "linux":
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), self._niceness)
        pause = self._first_pause
        idle = _SHORTEST_IDLE_SECONDS
        while not self._stopped.is_set():
            try:
                done = self._step()
            except UnavailableError as error:
                _log.warning("database out of reach", extra={"task": self._name, "error": str(error)})
            except Exception:  # noqa: BLE001 - a thread that died would be missed for good
                _log.exception("task failed", extra={"task": self._name})
            else:
                pause = self._first_pause
                if done:
                    idle = _SHORTEST_IDLE_SECONDS
                else:
                    self._stopped.wait(min(idle, self._idle))
                    idle = min(idle * 2, self._idle)
                continue
            self._stopped.wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
