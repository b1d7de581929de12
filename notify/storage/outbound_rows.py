"""Events and their deliveries on their way into the database: one statement in PostgreSQL, two in SQLite."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, TextClause, bindparam, insert, text
from sqlalchemy.types import String

from notify.domain.outbound import OutboundEvent
from notify.storage.columns import UtcDateTime
from notify.storage.json_rows import to_json
from notify.storage.outbound_tables import WebhookDelivery, WebhookEvent
from notify.storage.prepared import Prepared

Taken = tuple[OutboundEvent, Sequence[int]]
"""An event, and the endpoints that are told of it."""


def insert_events(connection: Connection, events: Sequence[Taken], now: datetime) -> int:
    """Insert events, and a delivery for each of their endpoints; return how many deliveries."""
    if connection.dialect.name == "postgresql":
        given = [{**event_row(event), "takers": takers} for event, takers in events]
        _ADD.run(connection, {"events": to_json(given), "now": now})
        return sum(len(takers) for _, takers in events)
    added = insert(WebhookEvent).returning(WebhookEvent.id, sort_by_parameter_order=True)
    numbers = connection.scalars(added, [event_row(event) for event, _ in events])
    deliveries = [
        delivery_row(number, taker, now)
        for number, (_, takers) in zip(numbers, events, strict=True)
        for taker in takers
    ]
    connection.execute(insert(WebhookDelivery), deliveries)
    return len(deliveries)


def event_row(event: OutboundEvent) -> dict[str, Any]:
    """Return the row of an event."""
    data = dict(event.data)
    return {"type": event.type, "at": event.at, "data": data, "recipient": data.get("recipient_id")}


def delivery_row(event: int, endpoint: int, now: datetime) -> dict[str, Any]:
    """Return the row of an event's delivery that waits for its first call."""
    return {
        "event_id": event,
        "endpoint_id": endpoint,
        "phase": "waiting",
        "due_at": now,
        "attempts": 0,
        "created_at": now,
    }


def _add(_dialect: str) -> TextClause:
    return text(
        """
        WITH given AS MATERIALIZED (
            SELECT nextval('webhook_events_id_seq') AS id, r.type, r.at, r.data, r.recipient, r.takers
            FROM json_to_recordset(CAST(:events AS json))
                AS r (type text, at timestamptz, data jsonb, recipient text, takers jsonb)
        ), added AS (
            INSERT INTO webhook_events (id, type, at, data, recipient)
            SELECT id, type, at, data, recipient FROM given
        )
        INSERT INTO webhook_deliveries (event_id, endpoint_id, phase, due_at, attempts, created_at)
        SELECT given.id, CAST(taker AS bigint), 'waiting', :now, 0, :now
        FROM given, jsonb_array_elements_text(given.takers) AS taker
        ORDER BY given.id
        """
    ).bindparams(bindparam("events", type_=String), bindparam("now", type_=UtcDateTime()))


_ADD: Final = Prepared(_add)
