"""Turns: how many requests of one process work at once while others wait, for a moment at most."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Hands out turns in the order they are asked for.

    Threads that all work at once take the interpreter and the database's processors from each other, and all
    of them finish late. Nobody waits for longer than `patience`: where turns last long because the
    database is slow or rows are locked, whoever waited goes on without one.
    """

    def __init__(self, at_once: int, patience: float) -> None:
        """Allow so many `at_once`; `patience` is in seconds."""
        self._free = at_once
        self._patience = patience
        self._waiting: deque[threading.Lock] = deque()
        self._changing = threading.Lock()

    @contextmanager
    def one(self) -> Iterator[bool]:
        """Wait for a turn and hold it; tells whether there was one in time."""
        taken = self._take()
        try:
            yield taken
        finally:
            if taken:
                self._give_back()

    def _take(self) -> bool:
        with self._changing:
            if self._free:
                self._free -= 1
                return True
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        if mine.acquire(timeout=self._patience):
            return True
        with self._changing:
            if mine not in self._waiting:  # it came at the last moment
                return True
            self._waiting.remove(mine)
            return False

    def _give_back(self) -> None:
        with self._changing:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1
