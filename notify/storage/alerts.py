"""Alerts in their table, and the look at the ledger that raises one."""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, func, or_, select, update

from notify.domain.alerts import BY_LINK, LinkOptOut, OpenAlert
from notify.domain.events import EventKind
from notify.storage.consent_tables import ConsentRecord
from notify.storage.event_tables import ProviderEventRow
from notify.storage.person_tables import Alert
from notify.storage.tables import Attempt, Message
from notify.storage.upserts import upsert_into

_log: Final = logging.getLogger(__name__)


class SqlAlerts:
    """Reads and writes alerts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def raise_alert(self, kind: str, details: Mapping[str, Any], now: datetime) -> None:
        """Open an alert, or count it once more."""
        statement = upsert_into(self._connection, Alert).values(
            kind=kind, at=now, last_at=now, count=1, details=dict(details)
        )
        count = self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=["kind"],
                index_where=Alert.cleared_at.is_(None),
                set_={"count": Alert.count + 1, "last_at": now, "details": statement.excluded.details},
            ).returning(Alert.count)
        ).scalar_one()
        if count == 1:
            _log.warning("alert", extra={"alert": kind, **details})

    def open_ones(self) -> list[OpenAlert]:
        """Return the open ones, oldest first."""
        return open_alerts(self._connection)

    def clear(self, kind: str, now: datetime) -> bool:
        """Close an alert."""
        return bool(self._close(Alert.kind == kind, now))

    def clear_quiet(self, before: datetime, now: datetime) -> int:
        """Close those that were last raised before `before`."""
        return self._close(Alert.last_at < before, now)

    def link_opt_outs(self, first: int, last: int, since: datetime) -> list[LinkOptOut]:
        """Return the opt-outs by link among these numbers of the ledger, with when their messages left."""
        sent = (
            select(func.max(Attempt.at))
            .where(
                Attempt.dispatch_id == Message.dispatch_id,
                or_(Attempt.message_id.is_(None), Attempt.message_id == Message.id),
                Attempt.at <= ConsentRecord.at,
            )
            .scalar_subquery()
        )
        arrived = (
            select(func.max(ProviderEventRow.at))
            .where(
                ProviderEventRow.message_id == Message.id,
                ProviderEventRow.kind == EventKind.DELIVERED.value,
                ProviderEventRow.at <= ConsentRecord.at,
            )
            .scalar_subquery()
        )
        rows = self._connection.execute(
            select(ConsentRecord.id, ConsentRecord.at, Message.campaign_id, sent, arrived)
            .join(Message, Message.id == ConsentRecord.message_id)
            .where(
                ConsentRecord.id.between(first, last),
                ConsentRecord.at > since,
                ConsentRecord.way.in_(BY_LINK),
                ConsentRecord.subscribed.is_(False),
            )
        )
        return [
            LinkOptOut(number, at, max((one for one in moments if one), default=None), campaign)
            for number, at, campaign, *moments in rows
        ]

    def _close(self, which: Any, now: datetime) -> int:  # noqa: ANN401 - a condition
        closing = update(Alert).where(Alert.cleared_at.is_(None), which).values(cleared_at=now)
        return self._connection.execute(closing).rowcount


def open_alerts(connection: Connection) -> list[OpenAlert]:
    """Return the open alerts, oldest first."""
    shown = select(Alert.kind, Alert.at, Alert.last_at, Alert.count, Alert.details)
    rows = connection.execute(shown.where(Alert.cleared_at.is_(None)).order_by(Alert.id))
    return [OpenAlert(kind, at, last_at, count, details) for kind, at, last_at, count, details in rows]
