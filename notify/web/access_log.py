"""One log line for each request, with the route's template: paths and queries hold tokens and addresses."""

import logging
import time
from typing import Final

from flask import Flask, Response, g, request

_LOG: Final = logging.getLogger("notify.access")
_QUIET: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines; logged only when they fail."""

# Written as they are: callers may make up methods, with whatever in them.
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})


def log_requests(app: Flask) -> None:
    """Log method, route, status and milliseconds; the request's id comes from the log's context."""
    app.before_request(_start)
    app.after_request(_finish)


def _start() -> None:
    g.started = time.perf_counter()


def _finish(response: Response) -> Response:
    route = request.url_rule.rule if request.url_rule else "(no route)"
    if route in _QUIET and response.status_code < 400:  # noqa: PLR2004 - HTTP's own boundary
        return response
    _LOG.info(
        "Request",
        extra={
            "method": request.method if request.method in _METHODS else "(other)",
            "route": route,
            "status": response.status_code,
            "ms": round((time.perf_counter() - g.started) * 1000, 1) if "started" in g else None,
        },
    )
    return response
