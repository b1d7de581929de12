"""The local outbox: messages kept encrypted, and shown on a page."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Engine, Row, insert, select

from notify.domain import ids
from notify.domain.outgoing import OutboxEntry, OutgoingEmail, OutgoingSms
from notify.ports import Clock, Vault
from notify.storage.engine import transaction
from notify.storage.tables import Message, OutboxEntryRow

OUTBOX_FIELD = "outbox.message"


class SqlOutbox:
    """Implements both sides of the outbox: `OutboxStore` and `OutboxReader`."""

    def __init__(self, engine: Engine, vault: Vault, clock: Clock) -> None:
        self._engine = engine
        self._vault = vault
        self._clock = clock

    def keep(self, messages: Sequence[OutgoingEmail | OutgoingSms]) -> None:
        """Keep all of them, or none."""
        now = self._clock()
        rows = [
            {
                "message_id": ids.number_of(ids.MESSAGE, message.message_ref),
                "kept_at": now,
                "message_sealed": self._vault.seal(OUTBOX_FIELD, _written(message)),
            }
            for message in messages
        ]
        with transaction(self._engine, write=True) as connection:
            # An erasure waits for this lock; what it has erased already is not kept.
            there = set(
                connection.scalars(
                    select(Message.id)
                    .where(Message.id.in_([row["message_id"] for row in rows]))
                    .order_by(Message.id)
                    .with_for_update(read=True, key_share=True)
                )
            )
            kept = [row for row in rows if row["message_id"] in there]
            if kept:
                connection.execute(insert(OutboxEntryRow), kept)

    def entries(self, before: int | None, limit: int) -> list[OutboxEntry]:
        """Return at most `limit` entries, newest first."""
        query = select(OutboxEntryRow.__table__).order_by(OutboxEntryRow.id.desc()).limit(limit)
        if before is not None:
            query = query.where(OutboxEntryRow.id < before)
        with transaction(self._engine, write=False) as connection:
            return [self._entry(row) for row in connection.execute(query)]

    def entry(self, entry_id: int) -> OutboxEntry | None:
        """Return one entry, if it is still kept."""
        with transaction(self._engine, write=False) as connection:
            row = connection.execute(
                select(OutboxEntryRow.__table__).where(OutboxEntryRow.id == entry_id)
            ).first()
            return self._entry(row) if row else None

    def _entry(self, row: Row[Any]) -> OutboxEntry:
        told = json.loads(self._vault.open(OUTBOX_FIELD, row.message_sealed))
        kind = OutgoingEmail if told.pop("kind") == "email" else OutgoingSms
        return OutboxEntry(id=row.id, kept_at=row.kept_at, message=kind(**told))


def _written(message: OutgoingEmail | OutgoingSms) -> str:
    kind = "email" if isinstance(message, OutgoingEmail) else "sms"
    fields = {**asdict(message), "kind": kind}
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
