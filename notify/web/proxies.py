"""Who a request comes from, where proxies stand in front: only as many of them are believed as are set."""

from typing import Final

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

_NEVER: Final = 0


def trust_proxies(app: Flask, hops: int) -> None:
    """Take the caller's IP address from `X-Forwarded-For`, as the outermost of `hops` proxies of ours saw it.

    With 0 the header is never looked at: anyone can send one. Scheme and host never come from a header, for
    links are made from PUBLIC_URL.
    """
    if hops:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=_NEVER, x_host=_NEVER, x_port=_NEVER, x_prefix=_NEVER
        )
