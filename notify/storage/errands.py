"""What is to be done at a provider later, encrypted until it is done."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select, update

from notify.domain.errands import Errand as Taken
from notify.domain.errors import VaultError
from notify.ports import Vault
from notify.storage.person_tables import Errand

PAYLOAD_FIELD: Final = "errands.payload"


class SqlErrands:
    """Reads and writes errands."""

    def __init__(self, connection: Connection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault

    def add(self, kind: str, payload: Mapping[str, Any], now: datetime) -> None:
        """Keep an errand."""
        sealed = self._vault.seal(PAYLOAD_FIELD, json.dumps(payload))
        row = {"kind": kind, "payload_sealed": sealed, "created_at": now, "due_at": now, "tries": 0}
        self._connection.execute(insert(Errand), row)

    def take(self, kinds: Collection[str], now: datetime, until: datetime, most: int) -> list[Taken]:
        """Take those that are due; their next turn is at `until`, should nobody say otherwise."""
        due = (
            select(Errand.__table__)
            .where(Errand.due_at <= now, Errand.kind.in_(kinds))
            .order_by(Errand.due_at, Errand.id)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        rows = self._connection.execute(due).all()
        numbers = [row.id for row in rows]
        if numbers:
            taken = {"due_at": until, "tries": Errand.tries + 1}
            self._connection.execute(update(Errand).where(Errand.id.in_(numbers)).values(taken))
        return [
            Taken(row.id, row.kind, self._opened(row.payload_sealed), row.created_at, row.tries + 1)
            for row in rows
        ]

    def finish(self, number: int) -> None:
        """Delete one that is done."""
        self._connection.execute(delete(Errand).where(Errand.id == number))

    def put_off(self, number: int, due_at: datetime) -> None:
        """Let one wait."""
        self._connection.execute(update(Errand).where(Errand.id == number).values(due_at=due_at))

    def _opened(self, sealed: bytes) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = json.loads(self._vault.open(PAYLOAD_FIELD, sealed))
        except VaultError:
            return None
        return found
