"""The ledger of one person, newest first, with the messages that led to its entries."""

from typing import Any

from sqlalchemy import Connection, Row, func, select

from notify.domain.catalogue import Channel
from notify.domain.history import PastChoice, PastPage
from notify.storage.consent_tables import ConsentRecord
from notify.storage.tables import Dispatch, Message


class SqlHistory:
    """Implements `store.history.History`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, recipient_id: int, *, before: int | None, limit: int) -> PastPage:
        """Return entries newest first."""
        query = (
            select(
                ConsentRecord.__table__,
                Message.channel.label("message_channel"),
                func.coalesce(Dispatch.settled_at, Message.created_at).label("message_at"),
            )
            .outerjoin(Message, Message.id == ConsentRecord.message_id)
            .outerjoin(Dispatch, Dispatch.id == Message.dispatch_id)
            .where(ConsentRecord.recipient_id == recipient_id)
            .order_by(ConsentRecord.id.desc())
            .limit(limit + 1)
        )
        if before is not None:
            query = query.where(ConsentRecord.id < before)
        rows = self._connection.execute(query).all()
        choices = [_past(row) for row in rows[:limit]]
        return PastPage(choices, choices[-1].number if len(rows) > limit else None)


def _past(row: Row[Any]) -> PastChoice:
    return PastChoice(
        row.id,
        row.at,
        row.topic,
        Channel(row.channel) if row.channel else None,
        row.subscribed,
        row.way,
        row.policy_version,
        Channel(row.message_channel) if row.message_channel else None,
        row.message_at,
    )
