"""Health routes: 503 only for what the service cannot do without."""

import pytest
from flask import Flask

from notify.domain.backlog import Health
from notify.web.health import health_blueprint


def client(health: Health, *, metrics: bool = True) -> "FlaskTest":
    app = Flask(__name__)
    app.register_blueprint(health_blueprint(lambda: health, (lambda: b"notify_up 1\n") if metrics else None))
    return FlaskTest(app)


class FlaskTest:
    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()

    def get(self, path: str) -> tuple[int, dict[str, str]]:
        response = self.client.get(path)
        return response.status_code, response.get_json()


def test_everything_is_fine() -> None:
    assert client(Health(database=True, migrated=True, redis=True)).get("/readyz") == (
        200,
        {"status": "ok", "database": "ok", "migrations": "ok", "redis": "ok"},
    )


def test_without_redis_the_service_is_ready() -> None:
    status, body = client(Health(database=True, migrated=True, redis=False)).get("/readyz")
    assert status == 200
    assert body["status"] == "ok"
    assert body["redis"] == "down"


@pytest.mark.parametrize(
    ("health", "field", "word"),
    [
        (Health(database=False, migrated=False, redis=True), "database", "down"),
        (Health(database=True, migrated=False, redis=True), "migrations", "behind"),
    ],
)
def test_without_the_database_it_is_not(health: Health, field: str, word: str) -> None:
    status, body = client(health).get("/readyz")
    assert status == 503
    assert body["status"] == "unavailable"
    assert body[field] == word


def test_a_living_process_is_healthy_whatever_it_stands_on() -> None:
    assert client(Health(database=False, migrated=False, redis=False)).get("/healthz") == (
        200,
        {"status": "ok"},
    )


def test_metrics_can_live_elsewhere() -> None:
    health = Health(database=True, migrated=True, redis=True)
    answer = client(health).client.get("/metrics")
    assert answer.data == b"notify_up 1\n"
    assert answer.content_type.startswith("text/plain; version=0.0.4")
    assert client(health, metrics=False).client.get("/metrics").status_code == 404
