"""`/healthz`, `/readyz` and `/metrics`: what load balancers and Prometheus ask; no key needed."""

from collections.abc import Callable
from typing import Final

from flask import Blueprint, Response, jsonify

from notify.domain.backlog import Health

_PROMETHEUS_TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"


def health_blueprint(check: Callable[[], Health], metrics: Callable[[], bytes] | None) -> Blueprint:
    """Build the routes; without `metrics` (they have a port of their own) `/metrics` is 404."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        """Answer: this process is alive, whatever it stands on."""
        return _fresh(jsonify(status="ok"))

    @blueprint.get("/readyz")
    def readyz() -> tuple[Response, int]:
        """Answer 503 for the database or its migrations only: without Redis the service goes on."""
        health = check()
        body = {
            "status": "ok" if health.ready else "unavailable",
            "database": "ok" if health.database else "down",
            "migrations": "ok" if health.migrated else ("behind" if health.database else "unknown"),
            "redis": "ok" if health.redis else "down",
        }
        return _fresh(jsonify(body)), 200 if health.ready else 503

    if metrics is not None:

        @blueprint.get("/metrics")
        def exposition() -> Response:
            """Answer Prometheus."""
            return _fresh(Response(metrics(), content_type=_PROMETHEUS_TEXT))

    return blueprint


def _fresh(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
