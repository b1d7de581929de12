"""The calls on webhook endpoints, in memory."""

from collections.abc import Sequence

from notify.domain.errors import NotFoundError
from notify.domain.views import Page
from notify.domain.webhook_views import DeliveryView, EndpointView, EndpointWithSecretView, ReplayedView
from notify.store.webhooks import Replay
from notify.usecases.outbound_webhooks.endpoints import WebhookDesk

AT = "2026-11-23T10:00:00Z"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def endpoint_view(url: str, events: Sequence[str]) -> EndpointView:
    return {
        "id": "e1",
        "url": url,
        "events": list(events),
        "description": None,
        "created_at": AT,
        "failing_since": None,
        "disabled_at": None,
        "disabled_because": None,
    }


class FakeWebhooks(WebhookDesk):
    """Knows endpoint `e1` and delivery `d1`; remembers what was asked to be told again."""

    def __init__(self) -> None:
        self.replays: list[Replay] = []

    def create(
        self, url: str, events: Sequence[str], description: str | None, secret: str | None
    ) -> EndpointWithSecretView:
        view = endpoint_view(url, events)
        return {**view, "description": description, "secret": secret or SECRET}

    def endpoint(self, endpoint_id: str) -> EndpointView:
        if endpoint_id != "e1":
            raise NotFoundError
        return endpoint_view("https://shop.example.com/hooks", ["*"])

    def endpoints(self) -> list[EndpointView]:
        return [self.endpoint("e1")]

    def delete(self, endpoint_id: str) -> None:
        self.endpoint(endpoint_id)

    def rotate(self, endpoint_id: str, secret: str | None) -> EndpointWithSecretView:
        return {**self.endpoint(endpoint_id), "secret": secret or SECRET}

    def enable(self, endpoint_id: str) -> EndpointView:
        return self.endpoint(endpoint_id)

    def ping(self, endpoint_id: str) -> DeliveryView:
        return _delivery(self.endpoint(endpoint_id)["id"])

    def deliveries(
        self,
        endpoint_id: str,
        *,
        status: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page:
        return {"items": [self.ping(endpoint_id)], "next_cursor": None}

    def replay(self, endpoint_id: str, which: Replay) -> ReplayedView:
        self.endpoint(endpoint_id)
        self.replays.append(which)
        return {"replayed": 3}

    def replay_one(self, delivery_id: str) -> DeliveryView:
        if delivery_id != "d1":
            raise NotFoundError
        return _delivery("e1")


def _delivery(endpoint_id: str) -> DeliveryView:
    return {
        "id": "d1",
        "endpoint_id": endpoint_id,
        "event_id": "evt_1",
        "type": "ping",
        "at": AT,
        "status": "waiting",
        "attempts": 0,
        "answer": None,
        "detail": None,
        "next_attempt_at": AT,
        "ended_at": None,
    }
