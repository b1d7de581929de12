"""Which suppression held a message back: one in force, else the pause or STOP that the ledger tells of."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from notify.domain.consent import Scope
from notify.domain.ledger import PAUSE, STOP
from notify.domain.status import Reason
from notify.storage.consent_tables import ConsentRecord, Suppression


@dataclass(frozen=True, slots=True)
class BarredBy:
    """Why, since when, and until when if it ends by itself."""

    reason: str
    at: datetime
    until: datetime | None


def barred_by(
    connection: Connection, rows: Sequence[Row[Any]], marketing: Collection[int]
) -> dict[int, BarredBy]:
    """Return what held back those of `rows` that are suppressed, by message, as far as it is known.

    `marketing` are the topics, by number, that a suppression from marketing alone bars.
    """
    held = [row for row in rows if row.reason == Reason.SUPPRESSED]
    if not held:
        return {}
    found = _in_force(connection, held, marketing)
    return _told(connection, [row for row in held if row.id not in found]) | found


def _in_force(
    connection: Connection, held: Sequence[Row[Any]], marketing: Collection[int]
) -> dict[int, BarredBy]:
    """Return the first that was there when the message was held back, one that bars from everything first."""
    bars = connection.execute(
        select(Suppression.__table__).where(
            Suppression.address_hash.in_({row.address_hash for row in held if row.address_hash})
        )
    ).all()
    found = {}
    for row in held:
        its = [
            one
            for one in bars
            if (one.address_hash, one.channel) == (row.address_hash, row.channel)
            and one.created_at <= row.updated_at
            and (one.scope == Scope.ALL or row.topic in marketing)
        ]
        first = min(its, key=lambda one: (one.scope != Scope.ALL, one.id), default=None)
        if first:
            found[row.id] = BarredBy(first.reason, first.created_at, first.expires_at)
    return found


def _told(connection: Connection, held: Sequence[Row[Any]]) -> dict[int, BarredBy]:
    """Return the last pause or STOP that the person's ledger tells of before each message."""
    if not held:
        return {}
    told = connection.execute(
        select(ConsentRecord.__table__)
        .where(
            ConsentRecord.recipient_id.in_({row.recipient_id for row in held}),
            ConsentRecord.way.in_((PAUSE, STOP)),
            ConsentRecord.subscribed.is_(False),
        )
        .order_by(ConsentRecord.id)
    ).all()
    found = {}
    for row in held:
        key = (row.recipient_id, row.topic, row.channel)
        for one in told:
            if (one.recipient_id, one.topic, one.channel) == key and one.at <= row.updated_at:
                found[row.id] = BarredBy(one.way, one.at, None)
    return found
