"""API keys, found by their SHA-256."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from notify.domain.api_keys import KeyRow
from notify.storage.tables import ApiKey


class SqlApiKeys:
    """Reads and writes API keys."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, digest: bytes, row: KeyRow) -> None:
        """Store a key."""
        self._connection.execute(
            insert(ApiKey).values(
                digest=digest,
                name=row.name,
                hint=row.hint,
                scopes=sorted(row.scopes),
                test=row.test,
                created_at=row.created_at,
                expires_at=row.expires_at,
            )
        )

    def by_digest(self, digest: bytes) -> KeyRow | None:
        """Find a key."""
        row = self._connection.execute(select(ApiKey.__table__).where(ApiKey.digest == digest)).first()
        return _translated(row) if row else None

    def all(self) -> list[KeyRow]:
        """Return all keys, oldest first."""
        rows = self._connection.execute(select(ApiKey.__table__).order_by(ApiKey.id))
        return [_translated(row) for row in rows]

    def revoke(self, key_id: int, now: datetime) -> bool:
        """Revoke; False if there is none to revoke."""
        found = self._connection.execute(
            update(ApiKey).where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None)).values(revoked_at=now)
        )
        return found.rowcount == 1

    def note_use(self, key_id: int, now: datetime) -> None:
        """Remember when it was last used."""
        self._connection.execute(update(ApiKey).where(ApiKey.id == key_id).values(last_used_at=now))


def _translated(row: Row[Any]) -> KeyRow:
    return KeyRow(
        row.id,
        row.name,
        row.hint,
        frozenset(row.scopes),
        row.test,
        row.created_at,
        row.expires_at,
        row.last_used_at,
        row.revoked_at,
    )
