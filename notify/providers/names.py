"""Looking a host name up within a time limit, which the system's resolver does not have."""

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

FRESH_SECONDS: Final = 30.0
"""How long an answer is used again: short, so that a provider's move to other addresses is followed."""


@dataclass(frozen=True, slots=True)
class Address:
    """One address of a host, as `socket.socket` and `connect` want it."""

    family: int
    kind: int
    protocol: int
    where: Any


class Names:
    """The addresses of one host; safe for any number of threads, which share one look-up."""

    def __init__(self, host: str, port: int, resolve: Callable[..., Any] = socket.getaddrinfo) -> None:
        self._host = host
        self._port = port
        self._resolve = resolve
        self._changed = threading.Condition()
        self._looking = False
        self._found: list[Address] = []
        self._found_at = float("-inf")
        self._error: OSError | None = None

    def addresses(self, deadline: float) -> list[Address]:
        """Return the addresses; TimeoutError at `deadline` (monotonic), OSError if there are none."""
        with self._changed:
            if time.monotonic() - self._found_at < FRESH_SECONDS:
                return self._found
            if not self._looking:
                self._looking, self._error = True, None
                # A thread, because the resolver's own limits are tens of seconds; daemon, so as not to keep
                # the process.
                threading.Thread(target=self._look_up, name="look-up", daemon=True).start()
            if not self._changed.wait_for(lambda: not self._looking, max(0.0, deadline - time.monotonic())):
                raise TimeoutError
            if self._error:
                raise self._error
            return self._found

    def _look_up(self) -> None:
        found, error = [], None
        try:
            for family, kind, protocol, _, where in self._resolve(
                self._host, self._port, type=socket.SOCK_STREAM
            ):
                found.append(Address(family, kind, protocol, where))
        except (OSError, UnicodeError) as failure:
            error = failure if isinstance(failure, OSError) else socket.gaierror("no such name")
        with self._changed:
            self._looking, self._error = False, error
            if found:
                self._found, self._found_at = found, time.monotonic()
            self._changed.notify_all()
