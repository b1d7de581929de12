"""How many calls each webhook endpoint may have in flight here: few, so that none holds up another."""

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from notify.domain.webhook_calls import PostAnswer

MOST_EACH: Final = 4
"""Runs of one endpoint at a time; one, while it fails."""

_FIRST_REST: Final = 1.0
_LONGEST_REST: Final = 60.0
_LONGEST_ASKED: Final = 300.0
_DOUBLINGS: Final = 6
_LOOK_AGAIN: Final = 0.25


class EndpointPlaces:
    """Who is called, who fails and rests. Safe for any number of threads; each process has its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy: dict[int, int] = {}
        self._failures: dict[int, int] = {}
        self._resting: dict[int, datetime] = {}

    def share(self, due: Sequence[int], places: int, now: datetime) -> dict[int, int]:
        """Take places for endpoints in turn, as evenly as they last; return how many each got."""
        with self._lock:
            free = {number: room for number in due if (room := self._room(number, now)) > 0}
            shares: dict[int, int] = {}
            while places and free:
                # Whoever has the fewest calls in flight is first, so that many busy ones starve nobody.
                number = min(free, key=lambda one: (self._busy.get(one, 0), one))
                shares[number] = shares.get(number, 0) + 1
                self._busy[number] = self._busy.get(number, 0) + 1
                free[number] -= 1
                places -= 1
                if not free[number]:
                    del free[number]
            return shares

    def give_back(self, shares: Mapping[int, int]) -> None:
        """Give back places that were not needed."""
        with self._lock:
            for number, count in shares.items():
                self._busy[number] = self._busy.get(number, 0) - count

    def finished(self, number: int, answers: Sequence[PostAnswer], now: datetime) -> None:
        """Give back the place of a run; the endpoint rests if its last call failed."""
        with self._lock:
            self._busy[number] = self._busy.get(number, 0) - 1
            last = answers[-1] if answers else None
            if last is None:
                return
            if not last.troubled:
                self._failures.pop(number, None)
                self._resting.pop(number, None)
                return
            failures = self._failures.get(number, 0)
            self._failures[number] = failures + 1
            rest = min(_FIRST_REST * 2 ** min(failures, _DOUBLINGS), _LONGEST_REST)
            rest = max(rest, min(last.retry_after or 0.0, _LONGEST_ASKED))
            self._resting[number] = now + timedelta(seconds=rest)

    def pause(self, due: Sequence[int], now: datetime) -> float | None:
        """Return in how many seconds to look again, if one of these had to wait for a place or a rest."""
        with self._lock:
            waiting = [number for number in due if self._room(number, now) <= 0]
        return _LOOK_AGAIN if waiting else None

    def _room(self, number: int, now: datetime) -> int:
        resting = self._resting.get(number)
        if resting and resting > now:
            return 0
        most = 1 if number in self._failures else MOST_EACH
        return most - self._busy.get(number, 0)
