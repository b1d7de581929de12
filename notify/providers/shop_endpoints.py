"""Calls to the shop's webhook endpoints: to addresses that were checked, and to nowhere else."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from notify.domain.webhook_calls import PostAnswer
from notify.domain.webhook_urls import UrlRule
from notify.providers.http_outcomes import retry_after
from notify.providers.keep_alive import BrokenCallError, Endpoint, NotSentError
from notify.providers.names import Names
from notify.providers.tls import default_tls

TIMEOUT_SECONDS: Final = 10.0
"""For the whole of a call."""

LONGEST_ANSWER: Final = 65_536
"""Bytes. What an endpoint answers is not looked at, but a connection can be kept only if it is read."""

_LOOK_UP_SECONDS: Final = 3.0
_NOT_PUBLIC: Final = "its name leads to an address that is not public"
_REDIRECTS: Final = range(300, 400)
_PORTS: Final = {"http": 80, "https": 443}
_KEPT: Final = 64


class NotPublicError(OSError):
    """A name leads into the network itself."""


class ShopEndpoints:
    """Implements `ports.WebhookCalls`; safe for any number of threads.

    The address that was checked is the one that is connected to: a name that leads elsewhere a moment later
    gets nowhere. Redirects are not followed.
    """

    def __init__(
        self,
        rule: UrlRule,
        *,
        timeout: float = TIMEOUT_SECONDS,
        tls: ssl.SSLContext | None = None,
        resolve: Callable[..., Any] = socket.getaddrinfo,
    ) -> None:
        self._rule = rule
        self._timeout = timeout
        self._tls = tls
        self._resolve = resolve
        self._lock = threading.Lock()
        self._endpoints: dict[str, Endpoint] = {}

    def problem(self, url: str) -> str | None:
        """Return what is wrong with a URL, if anything; a name that cannot be looked up may come to be."""
        found = self._rule.problem(url)
        if found:
            return found
        host, port = _place(url)
        try:
            self._names(host, port).addresses(time.monotonic() + _LOOK_UP_SECONDS)
        except NotPublicError:
            return "must be an address of the public internet"
        except OSError:
            return None
        return None

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> PostAnswer:
        """Make one call. Never raises: a failure is an answer without a status."""
        try:
            answer = self._endpoint(url).call("POST", url, body, headers)
        except (NotSentError, BrokenCallError) as error:
            return PostAnswer(None, str(error))
        detail = "redirects are not followed" if answer.status in _REDIRECTS else None
        return PostAnswer(answer.status, detail, retry_after(answer.headers, limited=False))

    def _endpoint(self, url: str) -> Endpoint:
        """Return what keeps the connections to a URL; those of many old ones are let go of."""
        with self._lock:
            found = self._endpoints.get(url)
            if found is None:
                if self._tls is None:
                    self._tls = default_tls()
                if len(self._endpoints) >= _KEPT:
                    self._endpoints = {}
                found = self._endpoints[url] = Endpoint(
                    url, self._timeout, tls=self._tls, names=self._names, longest=LONGEST_ANSWER
                )
            return found

    def _names(self, host: str, port: int) -> Names:
        return Names(host, port, self._checked)

    def _checked(self, host: str, port: int, **asked: Any) -> Any:  # noqa: ANN401 - as `getaddrinfo` has it
        """Look a name up; NotPublicError if any of its addresses may not be called."""
        found = self._resolve(host, port, **asked)
        for *_, where in found:
            address = None
            with contextlib.suppress(ValueError):  # a scope behind the address: none of the internet's
                address = ip_address(where[0])
            if address is None or not self._rule.allows(host.lower(), address):
                raise NotPublicError(_NOT_PUBLIC)
        return found


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or _PORTS[parts.scheme]
