"""Looks on while things go wrong: which messages were ever unknown, and whether the numbers always add up."""

import threading
from contextlib import suppress
from typing import Any, Final, Self

from sqlalchemy.exc import SQLAlchemyError

from benchmarks.stack import Stack

_EVERY_SECONDS: Final = 0.5
_UNKNOWN: Final = (
    "SELECT m.id FROM messages m LEFT JOIN dispatches d ON d.id = m.dispatch_id"
    " WHERE m.status = 'unknown' OR (m.status = 'queued' AND d.status = 'unknown')"
)


class Watch:
    """Asks database and API twice a second."""

    def __init__(self, stack: Stack, campaign: str | None) -> None:
        self._stack = stack
        self._campaign = campaign
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self.ever_unknown: set[int] = set()
        self.looks = 0
        self.wrong_sums: list[dict[str, Any]] = []
        self.latest: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(_EVERY_SECONDS):
            with suppress(SQLAlchemyError):
                self.ever_unknown |= {row.id for row in self._stack.query(_UNKNOWN)}
            if self._campaign:
                self._add_up(self._campaign)

    def _add_up(self, campaign: str) -> None:
        try:
            found = self._stack.api.call("GET", f"/v1/campaigns/{campaign}")
        except Exception:  # noqa: BLE001 - the web server is killed now and then
            return
        self.latest = found
        self.looks += 1
        progress = dict(found["progress"])
        if progress.pop("total") != sum(progress.values()):
            self.wrong_sums.append(found["progress"])
