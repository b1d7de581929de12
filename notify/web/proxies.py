"""Who a request comes from, where proxies stand in front: only as many of them are believed as are set."""

from collections.abc import Iterable
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_NEVER: Final = 0
_PEER: Final = "REMOTE_ADDR"
_BEFORE: Final = "werkzeug.proxy_fix.orig"


def trust_proxies(app: Flask, hops: int) -> None:
    """Take the caller's IP address from `X-Forwarded-For`, as the outermost of `hops` proxies of ours saw it.

    With 0 the header is never looked at: anyone can send one. Scheme and host never come from a header, for
    links are made from PUBLIC_URL.
    """
    if hops:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            _AddressesAlone(app.wsgi_app),
            x_for=hops,
            x_proto=_NEVER,
            x_host=_NEVER,
            x_port=_NEVER,
            x_prefix=_NEVER,
        )


class _AddressesAlone:
    """Believes of a header no more than an address: some proxies pass on whatever they were sent."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        environ[_PEER] = _address(environ.get(_PEER) or "") or environ[_BEFORE][_PEER]
        return self._app(environ, start_response)


def _address(text: str) -> str | None:
    """Return the IP address in a text that is one, with or without a port; None for any other."""
    if "%" in text:  # a zone may be any text
        return None
    try:
        return str(ip_address(text))
    except ValueError:
        pass
    try:
        return str(ip_address(urlsplit(f"//{text}").hostname or ""))
    except ValueError:
        return None
