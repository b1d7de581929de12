"""What waits to be told to the shop's webhook endpoints, for operators."""

from sqlalchemy import Connection, case, func, select

from notify.domain.backlog import WebhooksBacklog
from notify.storage.outbound_tables import WebhookDelivery, WebhookEndpoint
from notify.storage.webhook_deliveries import OPEN


def webhooks_backlog(connection: Connection) -> WebhooksBacklog:
    """Count what waits, and the endpoints that do not work."""
    failing = WebhookEndpoint.disabled_at.is_(None) & WebhookEndpoint.failing_since.is_not(None)
    endpoints = select(
        func.count(),
        func.count(case((failing, 1))),
        func.count(WebhookEndpoint.disabled_at),
    ).select_from(WebhookEndpoint)
    count, broken, disabled = connection.execute(endpoints).one()
    if not count:
        return WebhooksBacklog()
    enabled = select(WebhookEndpoint.id).where(WebhookEndpoint.disabled_at.is_(None))
    open_ones = select(func.count(), func.min(WebhookDelivery.created_at)).where(
        OPEN, WebhookDelivery.endpoint_id.in_(enabled)
    )
    waiting, oldest_at = connection.execute(open_ones).one()
    return WebhooksBacklog(waiting, oldest_at, broken, disabled)
