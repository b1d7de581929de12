"""Which opt-out held a message back: the person's own, by the ledger, else another's at the same address."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, outerjoin, select

from notify.domain.ledger import BARRING_WAYS, UNDO
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
        select(
            ConsentRecord.recipient_id,
            ConsentRecord.topic,
            ConsentRecord.channel,
            ConsentRecord.subscribed,
            *_OF_ENTRY,
        )
        .select_from(_ENTRIES)
        .where(
            ConsentRecord.recipient_id.in_({row.recipient_id for row in held}),
            ConsentRecord.way.not_in(BARRING_WAYS),
        )
        .order_by(ConsentRecord.id)
    )
    entries: dict[tuple[int, int | None, str | None], list[Any]] = {}
    for one in connection.execute(query):
        entries.setdefault((one.recipient_id, one.topic, one.channel), []).append(one)
    found = {}
    for row in held:
        known = entries.get((row.recipient_id, row.topic, row.channel), [])
        last = _standing([one for one in known if one.at <= row.updated_at])
        if last and not last.subscribed:
            found[row.id] = LeftBy(last.at, last.way, last.reference)
    return found


def _standing(choices: Sequence[Row[Any]]) -> Row[Any] | None:
    """Return the choice that stands after all of these: an undo of an opt-out leaves what was before it."""
    standing: list[Row[Any]] = []
    for one in choices:
        if one.way == UNDO and standing and not standing[-1].subscribed:
            standing.pop()
        else:
            standing.append(one)
    return standing[-1] if standing else None


def _of_address(connection: Connection, held: Sequence[Row[Any]]) -> dict[int, LeftBy]:
    query = (
        select(
            AddressOptOut.address_hash,
            AddressOptOut.topic,
            AddressOptOut.channel,
            ConsentRecord.recipient_id,
            *_OF_ENTRY,
        )
        .select_from(_ENTRIES.join(AddressOptOut, AddressOptOut.consent_id == ConsentRecord.id))
        .where(AddressOptOut.address_hash.in_({row.address_hash for row in held}))
    )
    entries = {(one.address_hash, one.topic, one.channel): one for one in connection.execute(query)}
    found = {}
    for row in held:
        one = entries.get((row.address_hash, row.topic, row.channel))
        if one and one.recipient_id != row.recipient_id and one.at <= row.updated_at:
            found[row.id] = LeftBy(one.at, one.way, one.reference, elsewhere=True)
    return found
