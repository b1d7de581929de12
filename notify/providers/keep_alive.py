"""One HTTP endpoint over kept-alive connections, which knows whether a request can have arrived."""

import base64
import logging
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, ReadTimeoutError, SSLError

from notify.providers.tls import default_tls

IDLE_SECONDS: Final = 10.0
"""Idle connections are not used again after this. Front ends drop theirs after a minute or so, and a
request that meets the drop is reset: an order that is `unknown` for nothing."""

_CONNECT_SECONDS: Final = 5.0
_KEPT: Final = 64  # connections kept open; more threads than that open further ones
_SDK_LOGGERS: Final = ("python_http_client", "twilio.http_client", "urllib3")


class NotSentError(Exception):
    """The request certainly did not arrive: no connection, or the body could not be written."""


class BrokenCallError(Exception):
    """The request went out and no answer came back; `timed_out` if none came in time."""

    def __init__(self, reason: str, *, timed_out: bool = False) -> None:
        super().__init__(reason)
        self.timed_out = timed_out


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer. `headers` looks names up in any case; `body` is None if it broke off."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None


class Endpoint:
    """The server at one base address; safe for any number of threads."""

    def __init__(
        self, base_url: str, timeout: float, *, tls: ssl.SSLContext | None = None, idle: float = IDLE_SECONDS
    ) -> None:
        """`timeout` and `idle` in seconds; ValueError for an address that is not HTTP."""
        parts = urlsplit(base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("the provider's address must begin with http:// or https://")
        shared: dict[str, Any] = {
            "maxsize": _KEPT,
            "timeout": Timeout(connect=min(timeout, _CONNECT_SECONDS), read=timeout),
            "retries": False,
        }
        self._pool: HTTPConnectionPool
        if parts.scheme == "https":
            context = tls or default_tls()
            self._pool = _TlsPool(parts.hostname, parts.port, ssl_context=context, **shared)
        else:
            self._pool = _PlainPool(parts.hostname, parts.port, **shared)
        self._pool.conn_kw["idle"] = idle

    def call(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        """Make one call, once. Raises NotSentError or BrokenCallError; every status is an answer."""
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        try:
            response = self._pool.urlopen(
                method, target, body=body, headers=headers, redirect=False, preload_content=False
            )
        except NotSentError:
            raise
        except ReadTimeoutError:
            raise BrokenCallError("no answer in time", timed_out=True) from None
        except (HTTPError, OSError) as error:
            raise BrokenCallError(f"the call broke off ({_root_name(error)})") from None
        try:
            content: bytes | None = response.read()
        except (HTTPError, OSError):
            content = None
        finally:
            response.release_conn()
        return Answer(response.status, response.headers, content)

    def close(self) -> None:
        """Close all connections that are not in use."""
        self._pool.close()


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


def _root_name(error: BaseException) -> str:
    """Name the innermost cause; texts may hold URLs."""
    nested = next((part for part in reversed(error.args) if isinstance(part, BaseException)), None)
    return _root_name(nested) if nested else type(error).__name__


def _why_no_connection(error: BaseException) -> str:
    if isinstance(error, NameResolutionError):
        return "the name cannot be looked up"
    if isinstance(error, SSLError | ssl.SSLError):
        return "TLS failed"
    cause = error.__cause__
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, ConnectTimeoutError | TimeoutError) and (
        cause is None or isinstance(cause, TimeoutError)
    ):
        return "no connection in time"
    return f"no connection ({type(cause or error).__name__})"


class _Watched(HTTPConnection):
    """Tells failures before the request was out from those after, and ages when idle."""

    def __init__(self, *args: Any, idle: float, **kwargs: Any) -> None:  # noqa: ANN401 - as urllib3
        super().__init__(*args, **kwargs)
        self._idle = idle
        self._used_at = time.monotonic()

    @property
    def is_connected(self) -> bool:
        """Whether it may be used again; urllib3 opens a new one where not."""
        return super().is_connected and time.monotonic() - self._used_at < self._idle

    def connect(self) -> None:
        """Connect; NotSentError."""
        try:
            super().connect()
        except (HTTPError, OSError) as error:
            self.close()
            raise NotSentError(_why_no_connection(error)) from None

    def request(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as urllib3
        """Write the request; NotSentError if the far side did not take all of it in time."""
        try:
            super().request(*args, **kwargs)
        except TimeoutError:
            raise NotSentError("the request could not be written in time") from None

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # urllib3's is its own
        """Read the head of the answer."""
        response = super().getresponse()
        self._used_at = time.monotonic()
        return response


class _WatchedTls(_Watched, HTTPSConnection):
    """The same over TLS."""


class _PlainPool(HTTPConnectionPool):
    """Connections to a plain HTTP server."""

    ConnectionCls = _Watched


class _TlsPool(HTTPSConnectionPool):
    """Connections to an HTTPS server."""

    ConnectionCls = _WatchedTls
