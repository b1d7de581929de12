"""What a claimed dispatch holds: its messages, with all that is needed to decide on and write them."""

import json
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from notify.domain.catalogue import Channel
from notify.domain.consent import Standing
from notify.domain.delivery import Letter, StoredRecipient
from notify.domain.errors import VaultError
from notify.domain.requests import Routing
from notify.domain.status import Status
from notify.ports import Vault
from notify.storage.notifications import DATA_FIELD
from notify.storage.recipients import SqlRecipients
from notify.storage.standings import read_standings
from notify.storage.tables import Message, Notification, Recipient

_Found = dict[int, tuple[list[Letter], list[tuple[int, datetime | None]]]]


class SqlLetters:
    """Reads letters."""

    def __init__(self, connection: Connection, recipients: SqlRecipients, vault: Vault) -> None:
        self._connection = connection
        self._recipients = recipients
        self._vault = vault

    def read(self, dispatch_ids: Collection[int]) -> _Found:
        """Return the open messages of each dispatch, and those that cannot be decrypted."""
        rows = self._connection.execute(_open_messages(dispatch_ids)).all()
        people = self._people({row.recipient_id for row in rows})
        there = [row for row in rows if row.recipient_id in people]  # the rest was erased just now
        found: _Found = {}
        readable: list[tuple[Row[Any], StoredRecipient, dict[str, Any]]] = []
        for row in there:
            try:
                recipient = self._recipients.translate(people[row.recipient_id])
                data = json.loads(self._vault.open(DATA_FIELD, row.data_sealed))
            except VaultError:
                found.setdefault(row.dispatch_id, ([], []))[1].append((row.id, row.expires_at))
            else:
                readable.append((row, recipient, data))
        standings = read_standings(
            self._connection,
            [(recipient, row.topic, Channel(row.channel)) for row, recipient, _ in readable],
        )
        for (row, recipient, data), standing in zip(readable, standings, strict=True):
            letter = _letter(row, recipient, data, standing)
            found.setdefault(row.dispatch_id, ([], []))[0].append(letter)
        return found

    def _people(self, numbers: Collection[int]) -> dict[int, Row[Any]]:
        rows = self._connection.execute(select(Recipient.__table__).where(Recipient.id.in_(numbers)))
        return {row.id: row for row in rows}


def _letter(row: Row[Any], recipient: StoredRecipient, data: dict[str, Any], standing: Standing) -> Letter:
    return Letter(
        message_id=row.id,
        notification_id=row.notification_id,
        recipient=recipient,
        channel=Channel(row.channel),
        topic=row.topic,
        locale=row.locale,
        template=row.template,
        data=data,
        channels=tuple(Channel(name) for name in row.channels),
        routing=Routing(row.routing),
        reference=row.reference,
        test=row.test,
        expires_at=row.expires_at,
        address_hash=row.address_hash,
        standing=standing,
    )


def _open_messages(dispatch_ids: Collection[int]) -> Select[Any]:
    asked = (
        Notification.template,
        Notification.data_sealed,
        Notification.channels,
        Notification.routing,
        Notification.reference,
        Notification.test,
        Notification.expires_at,
    )
    return (
        select(Message.__table__, *asked)
        .join(Notification, Notification.id == Message.notification_id)
        .where(Message.dispatch_id.in_(dispatch_ids), Message.status == Status.QUEUED)
        .order_by(Message.id)
    )
