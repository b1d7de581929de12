"""The thread that makes messages of campaigns, in the process that delivers them."""

import logging
import threading
from collections.abc import Callable
from typing import Final

from notify.domain.errors import UnavailableError

_log: Final = logging.getLogger(__name__)

_IDLE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 5.0


class CampaignPump:
    """Runs campaigns slice by slice until it is stopped; whatever goes wrong, it goes on after a pause."""

    def __init__(self, run: Callable[[], int], *, idle: float = _IDLE_SECONDS) -> None:
        """`run` does the next slices, and returns how many; `idle` is how many seconds to wait after 0."""
        self._run = run
        self._idle = idle
        self._stopped = threading.Event()
        # A daemon, so that a slice that hangs in the database cannot hold up the end of the process.
        self._thread = threading.Thread(target=self._loop, name="campaigns", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """Begin no further slice; wait `timeout` seconds at most for the one at hand; say if it ended."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _loop(self) -> None:
        pause = self._idle
        while not self._stopped.is_set():
            try:
                made = self._run()
            except UnavailableError:
                _log.warning("database out of reach")
            except Exception:  # noqa: BLE001 - a thread that died would be missed for good
                _log.exception("a campaign cannot go on")
            else:
                pause = self._idle
                if not made:
                    self._stopped.wait(self._idle)
                continue
            self._stopped.wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
