"""One HTTP endpoint over kept-alive connections, which knows whether a request can have arrived."""

import base64
import contextlib
import logging
import ssl
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

from notify.providers.names import Names
from notify.providers.tls import default_tls
from notify.providers.wire import Answer, BrokenCallError, Connection, NotSentError

__all__ = ["Answer", "BrokenCallError", "Endpoint", "NotSentError", "basic_auth", "silence_sdk_loggers"]

IDLE_SECONDS: Final = 10.0
"""Idle connections are not used again after this. Front ends drop theirs after a minute or so, and a
request that meets the drop is reset: an order that is `unknown` for nothing."""

CONNECT_SECONDS: Final = 5.0
"""How long looking up, connecting to whichever address answers, and TLS may take together."""

LONGEST_ANSWER: Final = 4 * 1024 * 1024
"""Bytes; more than a refusal of a thousand addresses by SendGrid, or Twilio's page of a thousand messages."""

_KEPT: Final = 512  # connections kept open, for twice the most threads a worker may have
_SDK_LOGGERS: Final = ("python_http_client", "twilio.http_client", "urllib3")
_PORTS: Final = {"http": 80, "https": 443}


class Endpoint:
    """The server at one base address; safe for any number of threads."""

    def __init__(
        self,
        base_url: str,
        timeout: float,
        *,
        tls: ssl.SSLContext | None = None,
        idle: float = IDLE_SECONDS,
        names: Callable[[str, int], Names] = Names,
        longest: int = LONGEST_ANSWER,
    ) -> None:
        """`timeout` and `idle` in seconds; ValueError for an address that is not HTTP.

        `timeout` is for the whole of a call: connecting, writing and reading. `names` looks the host up.
        `longest`: of answers with more bytes than that, the body is not read.
        """
        parts = urlsplit(base_url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError("the provider's address must begin with http:// or https://")
        self._host = parts.hostname
        self._authority = parts.netloc.rpartition("@")[2]
        self._names = names(parts.hostname, parts.port or _PORTS[parts.scheme])
        self._tls = (tls or default_tls()) if parts.scheme == "https" else None
        self._timeout = timeout
        self._idle_seconds = idle
        self._longest = longest
        # A deque's append and pop need no lock of ours, over which a hundred threads would queue.
        self._idle: deque[Connection] = deque()
        weakref.finalize(self, _close_all, self._idle)

    def call(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        """Make one call, once. Raises NotSentError or BrokenCallError; every status is an answer."""
        deadline = time.monotonic() + self._timeout
        request = self._request(method, url, body, headers)
        connection = self._kept() or self._opened(deadline)
        try:
            answer = connection.exchange(method, request, deadline, longest=self._longest)
        except BaseException:
            connection.close()
            raise
        self._give_back(connection)
        return answer

    def close(self) -> None:
        """Close all connections that are not in use."""
        _close_all(self._idle)

    def _request(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> bytes:
        """Write head and body; NotSentError for a header that would be two."""
        parts = urlsplit(url)
        path = parts.path or "/"  # RFC 9112 section 3.2.1
        target = f"{path}?{parts.query}" if parts.query else path
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self._authority}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        head = "\r\n".join(lines)
        if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1:
            raise NotSentError("a header holds a line break")
        try:
            return f"{head}\r\n\r\n".encode("latin-1") + (body or b"")
        except UnicodeEncodeError:
            raise NotSentError("a header cannot be written in Latin-1") from None

    def _opened(self, deadline: float) -> Connection:
        return Connection.open(
            self._names, self._tls, self._host, min(deadline, time.monotonic() + CONNECT_SECONDS)
        )

    def _kept(self) -> Connection | None:
        """Return the connection used last, if it is still good."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if time.monotonic() - connection.used_at < self._idle_seconds and connection.alive():
                return connection
            connection.close()

    def _give_back(self, connection: Connection) -> None:
        """Keep it for the next call, and close the one that has waited longest if it is too old."""
        if not connection.reusable or len(self._idle) >= _KEPT:
            connection.close()
            return
        self._idle.append(connection)
        # Others take and give back meanwhile: whoever gets it out closes it.
        with contextlib.suppress(IndexError, ValueError):
            oldest = self._idle[0]
            if time.monotonic() - oldest.used_at >= self._idle_seconds:
                self._idle.remove(oldest)
                oldest.close()


def _close_all(connections: deque[Connection]) -> None:
    while connections:
        connections.pop().close()


def basic_auth(user: str, password: str) -> str:
    """Return the value of an Authorization header (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def silence_sdk_loggers() -> None:
    """Keep the SDKs' loggers quiet at any level: they print phone numbers, addresses and whole bodies."""
    for name in _SDK_LOGGERS:
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL)
        logger.propagate = False
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
