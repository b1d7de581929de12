"""The shop's webhook endpoints: added, rotated, disabled, removed."""

import logging
from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from notify.domain.errors import VaultError
from notify.domain.webhook_calls import Target
from notify.ports import Vault
from notify.storage.listeners import Listeners
from notify.storage.outbound_tables import WebhookDelivery, WebhookEndpoint
from notify.store.webhooks import EndpointDraft

_log: Final = logging.getLogger(__name__)

URL_FIELD: Final = "webhook_endpoints.url"
SECRET_FIELD: Final = "webhook_endpoints.secret"  # noqa: S105 - a name


class SqlWebhookEndpoints:
    """Reads and writes endpoints. Their addresses are sealed: some hold a secret."""

    def __init__(self, connection: Connection, vault: Vault, listeners: Listeners) -> None:
        self._connection = connection
        self._vault = vault
        self._listeners = listeners

    def count(self) -> int:
        """Return how many there are."""
        return self._connection.scalar(select(func.count(WebhookEndpoint.id))) or 0

    def add(self, draft: EndpointDraft, now: datetime) -> int:
        """Store an endpoint."""
        self._listeners.forget()
        values = {
            "url_sealed": self._vault.seal(URL_FIELD, draft.url),
            "secret_sealed": self._vault.seal(SECRET_FIELD, draft.secret),
            "events": list(draft.events),
            "description": draft.description,
            "created_at": now,
        }
        query = insert(WebhookEndpoint).values(values).returning(WebhookEndpoint.id)
        number: int = self._connection.execute(query).scalar_one()
        return number

    def remove(self, number: int) -> bool:
        """Delete an endpoint with all that waits for it."""
        self._listeners.forget()
        gone = delete(WebhookEndpoint).where(WebhookEndpoint.id == number).returning(WebhookEndpoint.id)
        found = self._connection.scalar(gone) is not None
        if found:
            self._connection.execute(delete(WebhookDelivery).where(WebhookDelivery.endpoint_id == number))
        return found

    def rotate(self, number: int, secret: str, until: datetime) -> bool:
        """Give it another secret."""
        return self._change(
            number,
            secret_sealed=self._vault.seal(SECRET_FIELD, secret),
            secret_before_sealed=WebhookEndpoint.secret_sealed,
            secret_before_until=until,
        )

    def enable(self, number: int) -> bool:
        """Tell it things again."""
        self._listeners.forget()
        return self._change(number, disabled_at=None, disabled_because=None, failing_since=None)

    def disable(self, number: int, because: str, now: datetime) -> bool:
        """Tell it nothing more."""
        self._listeners.forget()
        enabled = WebhookEndpoint.disabled_at.is_(None)
        return self._change(number, enabled, disabled_at=now, disabled_because=because)

    def targets(self, numbers: Collection[int], now: datetime) -> dict[int, Target]:
        """Return how endpoints are called."""
        rows = self._connection.execute(
            select(WebhookEndpoint.__table__).where(
                WebhookEndpoint.id.in_(numbers), WebhookEndpoint.disabled_at.is_(None)
            )
        )
        return {row.id: target for row in rows if (target := self._target(row, now))}

    def hold(self, numbers: Collection[int]) -> set[int]:
        """Lock endpoints; return those that are disabled."""
        query = select(WebhookEndpoint.id, WebhookEndpoint.disabled_at)
        mine = query.where(WebhookEndpoint.id.in_(numbers)).order_by(WebhookEndpoint.id).with_for_update()
        return {row.id for row in self._connection.execute(mine) if row.disabled_at}

    def note(self, number: int, *, succeeded: bool, now: datetime) -> datetime | None:
        """Note how calls went; the row is written to only when that changes."""
        failing = WebhookEndpoint.failing_since
        if succeeded:
            self._change(number, failing.is_not(None), failing_since=None)
            return None
        self._change(number, failing.is_(None), failing_since=now)
        since: datetime | None = self._connection.scalar(select(failing).where(WebhookEndpoint.id == number))
        return since

    def _change(self, number: int, *conditions: Any, **values: Any) -> bool:  # noqa: ANN401 - SQLAlchemy's
        query = update(WebhookEndpoint).where(WebhookEndpoint.id == number, *conditions).values(values)
        return self._connection.scalar(query.returning(WebhookEndpoint.id)) is not None

    def _target(self, row: Row[Any], now: datetime) -> Target | None:
        sealed = [row.secret_sealed]
        if row.secret_before_sealed and row.secret_before_until and row.secret_before_until > now:
            sealed.append(row.secret_before_sealed)
        try:
            secrets = tuple(self._vault.open(SECRET_FIELD, one) for one in sealed)
            return Target(row.id, self._vault.open(URL_FIELD, row.url_sealed), secrets)
        except VaultError:
            _log.error("a webhook endpoint cannot be decrypted", extra={"endpoint": row.id})
            return None
