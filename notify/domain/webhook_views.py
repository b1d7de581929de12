"""The shapes of answers about webhook endpoints, JSON-ready."""

from typing import TypedDict


class EndpointView(TypedDict):
    """A webhook endpoint; its secret is never shown again."""

    id: str
    url: str
    events: list[str]
    description: str | None
    created_at: str
    failing_since: str | None
    disabled_at: str | None
    disabled_because: str | None


class EndpointWithSecretView(EndpointView):
    """A webhook endpoint that was just made, or has another secret now."""

    secret: str


class DeliveryView(TypedDict):
    """One event on its way to one endpoint."""

    id: str
    endpoint_id: str
    event_id: str
    type: str
    at: str
    status: str
    attempts: int
    answer: int | None
    detail: str | None
    next_attempt_at: str | None
    ended_at: str | None


class ReplayedView(TypedDict):
    """How many deliveries wait again."""

    replayed: int
