"""Webhook endpoints and what they were told, as callers see them."""

from typing import Any, Final

from sqlalchemy import Engine, Row, Select, select

from notify.domain import ids
from notify.domain.errors import NotFoundError
from notify.domain.times import rfc3339, rfc3339_or_none
from notify.domain.views import Page
from notify.domain.webhook_calls import Phase
from notify.domain.webhook_views import DeliveryView, EndpointView
from notify.ports import Vault
from notify.storage import cursors
from notify.storage.engine import transaction
from notify.storage.outbound_tables import WebhookDelivery, WebhookEndpoint, WebhookEvent
from notify.storage.webhook_endpoints import URL_FIELD

_SHOWN_AS: Final = {
    Phase.WAITING: "waiting",
    Phase.CALLING: "waiting",
    Phase.DONE: "delivered",
    Phase.GIVEN_UP: "given_up",
}
_DELIVERIES: Final[Select[Any]] = select(
    WebhookDelivery.__table__, WebhookEvent.type.label("type"), WebhookEvent.at.label("at")
).join(WebhookEvent, WebhookEvent.id == WebhookDelivery.event_id)


class SqlWebhookLookups:
    """Implements `store.lookups.WebhookLookups`."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault

    def endpoint(self, number: int) -> EndpointView:
        """Return one endpoint."""
        query = select(WebhookEndpoint.__table__).where(WebhookEndpoint.id == number)
        with transaction(self._engine, write=False) as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise NotFoundError("no webhook endpoint of that id")
        return self._endpoint(row)

    def endpoints(self) -> list[EndpointView]:
        """Return all of them."""
        query = select(WebhookEndpoint.__table__).order_by(WebhookEndpoint.id)
        with transaction(self._engine, write=False) as connection:
            return [self._endpoint(row) for row in connection.execute(query)]

    def delivery(self, number: int) -> DeliveryView:
        """Return one delivery."""
        with transaction(self._engine, write=False) as connection:
            row = connection.execute(_DELIVERIES.where(WebhookDelivery.id == number)).one_or_none()
        if row is None:
            raise NotFoundError("no webhook delivery of that id")
        return _delivery(row)

    def deliveries(
        self, endpoint: int, *, status: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> Page:
        """Return those to an endpoint, newest first."""
        self.endpoint(endpoint)
        query = _DELIVERIES.where(WebhookDelivery.endpoint_id == endpoint)
        before = cursors.decode("deliveries", cursor)
        if before is not None:
            query = query.where(WebhookDelivery.id < before)
        if status is not None:
            phases = [phase.value for phase, shown in _SHOWN_AS.items() if shown == status]
            query = query.where(WebhookDelivery.phase.in_(phases))
        with transaction(self._engine, write=False) as connection:
            rows = connection.execute(query.order_by(WebhookDelivery.id.desc()).limit(limit + 1)).all()
        return {
            "items": [_delivery(row) for row in rows[:limit]],
            "next_cursor": cursors.encode("deliveries", rows[limit - 1].id) if len(rows) > limit else None,
        }

    def _endpoint(self, row: Row[Any]) -> EndpointView:
        return {
            "id": ids.public(ids.WEBHOOK_ENDPOINT, row.id),
            "url": self._vault.open(URL_FIELD, row.url_sealed),
            "events": list(row.events),
            "description": row.description,
            "created_at": rfc3339(row.created_at),
            "failing_since": rfc3339_or_none(row.failing_since),
            "disabled_at": rfc3339_or_none(row.disabled_at),
            "disabled_because": row.disabled_because,
        }


def _delivery(row: Row[Any]) -> DeliveryView:
    waits = row.phase in {Phase.WAITING, Phase.CALLING}
    return {
        "id": ids.public(ids.WEBHOOK_DELIVERY, row.id),
        "endpoint_id": ids.public(ids.WEBHOOK_ENDPOINT, row.endpoint_id),
        "event_id": ids.public(ids.WEBHOOK_EVENT, row.event_id),
        "type": row.type,
        "at": rfc3339(row.at),
        "status": _SHOWN_AS[Phase(row.phase)],
        "attempts": row.attempts,
        "answer": row.answer,
        "detail": row.detail,
        "next_attempt_at": rfc3339(row.due_at) if waits else None,
        "ended_at": rfc3339_or_none(row.done_at),
    }
