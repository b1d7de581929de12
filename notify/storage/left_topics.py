"""Which opt-out held a message back: the person's own, by the ledger, else one of the same address."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, outerjoin, select

from notify.domain.ledger import BARRING_WAYS
from notify.domain.status import Reason
from notify.storage.consent_tables import AddressOptOut, ConsentRecord
from notify.storage.tables import Message, Notification

_ENTRIES: Final = outerjoin(ConsentRecord, Message, Message.id == ConsentRecord.message_id).outerjoin(
    Notification, Notification.id == Message.notification_id
)
"""Entries of the ledger, each with the notification whose message led to it."""
_OF_ENTRY: Final = (ConsentRecord.at, ConsentRecord.way, Notification.reference)


@dataclass(frozen=True, slots=True)
class LeftBy:
    """When and by which way someone left, and the reference of the notification that led to it.

    `elsewhere`: under another recipient id with the same address.
    """

    at: datetime
    way: str
    reference: str | None
    elsewhere: bool = False


def left_by(connection: Connection, rows: Sequence[Row[Any]]) -> dict[int, LeftBy]:
    """Return what held back those of `rows` that are unsubscribed, by message, as far as it is known.

    A message is held back by the last opt-out before it: what the person chose later is not why.
    """
    held = [row for row in rows if row.reason == Reason.UNSUBSCRIBED]
    if not held:
        return {}
    found = _own(connection, held)
    rest = [row for row in held if row.id not in found and row.address_hash]
    return found | _of_address(connection, rest) if rest else found


def _own(connection: Connection, held: Sequence[Row[Any]]) -> dict[int, LeftBy]:
    query = (
        select(ConsentRecord.recipient_id, ConsentRecord.topic, ConsentRecord.channel, *_OF_ENTRY)
        .select_from(_ENTRIES)
        .where(
            ConsentRecord.recipient_id.in_({row.recipient_id for row in held}),
            ConsentRecord.subscribed.is_(False),
            ConsentRecord.way.not_in(BARRING_WAYS),
        )
        .order_by(ConsentRecord.id)
    )
    entries: dict[tuple[int, int | None, str | None], list[LeftBy]] = {}
    for one in connection.execute(query):
        key = (one.recipient_id, one.topic, one.channel)
        entries.setdefault(key, []).append(LeftBy(one.at, one.way, one.reference))
    found = {}
    for row in held:
        known = entries.get((row.recipient_id, row.topic, row.channel), [])
        before = [left for left in known if left.at <= row.updated_at]
        if before:
            found[row.id] = before[-1]
    return found


def _of_address(connection: Connection, held: Sequence[Row[Any]]) -> dict[int, LeftBy]:
    query = (
        select(AddressOptOut.address_hash, AddressOptOut.topic, AddressOptOut.channel, *_OF_ENTRY)
        .select_from(_ENTRIES.join(AddressOptOut, AddressOptOut.consent_id == ConsentRecord.id))
        .where(AddressOptOut.address_hash.in_({row.address_hash for row in held}))
    )
    entries = {
        (row.address_hash, row.topic, row.channel): LeftBy(row.at, row.way, row.reference, elsewhere=True)
        for row in connection.execute(query)
    }
    keys = {row.id: (row.address_hash, row.topic, row.channel) for row in held}
    return {number: entries[key] for number, key in keys.items() if key in entries}
