"""What was reported about messages, as callers see it and as erasure takes it."""

from collections.abc import Collection, Mapping
from typing import Final

from sqlalchemy import Connection, bindparam, delete, select

from notify.domain.times import rfc3339
from notify.domain.views import EventView
from notify.storage.event_tables import ProviderEventRow

_EVENTS_OF: Final = (
    select(ProviderEventRow.message_id, ProviderEventRow.at, ProviderEventRow.kind, ProviderEventRow.detail)
    .where(ProviderEventRow.message_id.in_(bindparam("numbers", expanding=True)))
    .order_by(ProviderEventRow.at, ProviderEventRow.id)
)


def events_of(connection: Connection, message_ids: Collection[int]) -> Mapping[int, list[EventView]]:
    """Return what was reported about messages, oldest first."""
    found: dict[int, list[EventView]] = {}
    for row in connection.execute(_EVENTS_OF, {"numbers": list(message_ids)}):
        view: EventView = {"at": rfc3339(row.at), "type": row.kind, "detail": row.detail}
        found.setdefault(row.message_id, []).append(view)
    return found


def erase_events(connection: Connection, message_ids: Collection[int]) -> None:
    """Delete what was reported about the messages of a person who is erased."""
    connection.execute(delete(ProviderEventRow).where(ProviderEventRow.message_id.in_(message_ids)))
