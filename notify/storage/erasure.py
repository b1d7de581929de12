"""Erases a person: every table that holds anything on them is named here or in `docs/privacy.md`."""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, delete, exists, or_, select, union, update

from notify.domain.campaigns import NOBODY
from notify.domain.catalogue import Channel
from notify.domain.consent import Scope
from notify.domain.delivery import StoredRecipient
from notify.domain.journal import erased_line
from notify.domain.suppressions import ERASURE
from notify.ports import Vault
from notify.storage.consent_tables import (
    AddressOptOut,
    ConsentProof,
    ConsentRecord,
    ErasedAddress,
    Preference,
    UndoToken,
)
from notify.storage.event_views import erase_events
from notify.storage.journal_lines import add_lines
from notify.storage.person_tables import Confirmation, SoftBounce
from notify.storage.suppressions import SqlSuppressions
from notify.storage.tables import Attempt, Dispatch, Message, Notification, OutboxEntryRow, Recipient
from notify.storage.upserts import upsert_into

_AT_ONCE: Final = 2_000
"""A statement takes so many parameters only."""

_Known = set[tuple[Channel, bytes]]


class SqlErasure:
    """Takes what is held on people."""

    def __init__(self, connection: Connection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault

    def erase(self, recipient: StoredRecipient, now: datetime) -> None:
        """Delete what is held; the address hashes stay, barred from marketing for good."""
        known = self._known_addresses(recipient)
        messages = self._lock_messages(recipient, {value for _, value in known})
        self._bar(recipient, known, now)
        for start in range(0, len(messages), _AT_ONCE):
            self._delete_messages(messages[start : start + _AT_ONCE])
        self._delete_the_rest(recipient, {value for _, value in known})

    def hashes(self, recipient: StoredRecipient) -> Collection[bytes]:
        """Return the hashes of all addresses that are known to be, or to have been, the person's."""
        return {value for _, value in self._known_addresses(recipient)}

    def _known_addresses(self, recipient: StoredRecipient) -> _Known:
        """Return the addresses that they have, that messages of theirs went to, or that they opted out."""
        used = select(Message.channel, Message.address_hash).where(
            Message.recipient_id == recipient.id, Message.address_hash.is_not(None)
        )
        entries = select(ConsentRecord.id).where(ConsentRecord.recipient_id == recipient.id)
        left = select(AddressOptOut.channel, AddressOptOut.address_hash).where(
            AddressOptOut.consent_id.in_(entries)
        )
        asked = select(Confirmation.channel, Confirmation.address_hash).where(
            Confirmation.recipient_id == recipient.id
        )
        both: Any = union(used, left, asked)
        found = self._connection.execute(both).all()
        return {*recipient.hashes.items(), *((Channel(row.channel), row.address_hash) for row in found)}

    def _lock_messages(self, recipient: StoredRecipient, hashes: Collection[bytes]) -> list[Row[Any]]:
        """Lock the person's notifications, dispatches and messages, in the order that everybody keeps.

        Tests of campaigns that went to an address of theirs, by these hashes, are among them.
        """
        run = self._connection.execute
        asked = select(Notification.id).where(Notification.recipient_id == recipient.id)
        run(asked.order_by(Notification.id).with_for_update()).all()
        tests = and_(Message.recipient_id == NOBODY, Message.address_hash.in_(hashes))
        mine = or_(Message.recipient_id == recipient.id, tests)
        theirs = Dispatch.id.in_(select(Message.dispatch_id).where(mine))
        run(select(Dispatch.id).where(theirs).order_by(Dispatch.id).with_for_update()).all()
        query = select(Message.id, Message.channel, Message.address_hash, Message.dispatch_id)
        return list(run(query.where(mine).order_by(Message.id).with_for_update()))

    def _bar(self, recipient: StoredRecipient, known: _Known, now: datetime) -> None:
        """Keep the hashes: barred from marketing, and found by the number that stands in old links."""
        suppressions = SqlSuppressions(self._connection, self._vault)
        for channel, value in sorted(known):
            suppressions.bar(channel, value, Scope.MARKETING, reason=ERASURE, masked=None, now=now)
            row = {"recipient_id": recipient.id, "channel": channel, "address_hash": value}
            self._connection.execute(
                upsert_into(self._connection, ErasedAddress).values(row).on_conflict_do_nothing()
            )
        add_lines(self._connection, [erased_line(recipient.id, known, now)])
        # What is left of an address in writing, whatever else bars it.
        suppressions.unmask({value for _, value in known})

    def _delete_messages(self, messages: Collection[Row[Any]]) -> None:
        run = self._connection.execute
        numbers = [row.id for row in messages]
        dispatches = [row.dispatch_id for row in messages if row.dispatch_id]
        run(delete(OutboxEntryRow).where(OutboxEntryRow.message_id.in_(numbers)))
        run(delete(Attempt).where(Attempt.message_id.in_(numbers)))
        run(delete(SoftBounce).where(SoftBounce.message_id.in_(numbers)))
        erase_events(self._connection, numbers)
        self._shrink(Counter(dispatches))
        run(delete(Message).where(Message.id.in_(numbers)))
        empty = (Dispatch.id.in_(dispatches), ~exists().where(Message.dispatch_id == Dispatch.id))
        run(delete(Attempt).where(Attempt.dispatch_id.in_(select(Dispatch.id).where(*empty))))
        run(delete(Dispatch).where(*empty))

    def _shrink(self, leaving: Mapping[int, int]) -> None:
        """Take from dispatches the messages that leave them, how many each.

        Counting them in SQL compares every two messages of a slice: a second for each of these.
        """
        for count in sorted(set(leaving.values())):
            numbers = [number for number, left in leaving.items() if left == count]
            smaller = update(Dispatch).where(Dispatch.id.in_(numbers)).values(size=Dispatch.size - count)
            self._connection.execute(smaller)

    def _delete_the_rest(self, recipient: StoredRecipient, hashes: Collection[bytes]) -> None:
        run = self._connection.execute
        run(delete(Notification).where(Notification.recipient_id == recipient.id))
        run(delete(Preference).where(Preference.recipient_id == recipient.id))
        run(delete(UndoToken).where(UndoToken.recipient_id == recipient.id))
        mine = or_(Confirmation.recipient_id == recipient.id, Confirmation.address_hash.in_(hashes))
        run(delete(Confirmation).where(mine))
        run(delete(SoftBounce).where(SoftBounce.address_hash.in_(hashes)))
        entries = select(ConsentRecord.id).where(ConsentRecord.recipient_id == recipient.id)
        run(delete(ConsentProof).where(ConsentProof.consent_id.in_(entries)))
        run(delete(Recipient).where(Recipient.id == recipient.id))
