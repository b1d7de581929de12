"""The chain over the ledger, and how far its followers have come."""

from collections.abc import Collection
from datetime import datetime
from typing import Final, cast

from sqlalchemy import Connection, Table, func, insert, select, text, update

from notify.domain.catalogue import Channel
from notify.domain.ledger import SealedEntry
from notify.domain.seals import Horizon, Link, Recorded, next_seal
from notify.ports import Vault
from notify.storage.consent_tables import ConsentRecord
from notify.storage.ledger_tables import LedgerFollower, LedgerSeal
from notify.storage.locks import lock_sealing
from notify.storage.upserts import upsert_into

_RECORDS: Final = cast("Table", ConsentRecord.__table__)
RECORDED: Final = tuple(_RECORDS.c["id" if name == "number" else name] for name in Recorded._fields)
"""The columns of an entry, in the order of `Recorded`."""

_GIVEN_OUT: Final = text("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM consent_records_id_seq")
_WRITERS: Final = text(
    "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND mode = 'RowExclusiveLock'"
    " AND relation = CAST('consent_records' AS regclass)"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class SqlLedger:
    """Reads and writes seals and cursors."""

    def __init__(self, connection: Connection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault

    def horizon(self) -> Horizon | None:
        """Return how far numbers have been given out, and to whom.

        PostgreSQL gives numbers out before commit, to transactions that hold a lock on the table by then
        (`ledger_rows` sees to it where the numbers are taken first). So the order of these two looks matters.
        """
        sealed = self._last().last_entry
        if self._connection.dialect.name == "sqlite":
            last = self._connection.scalar(select(func.max(ConsentRecord.id))) or 0
            return Horizon(last, frozenset()) if last > sealed else None
        last = self._connection.scalars(_GIVEN_OUT).one()
        if last <= sealed:
            return None
        return Horizon(last, frozenset(self._connection.scalars(_WRITERS)))

    def seal(self, upto: int, now: datetime, most: int) -> int:
        """Close the next entries as one more link."""
        if not lock_sealing(self._connection):
            return 0
        before = self._last()
        following = ConsentRecord.id > before.last_entry, ConsentRecord.id <= upto
        rows = self._connection.execute(
            select(*RECORDED).where(*following).order_by(ConsentRecord.id).limit(most)
        ).all()
        if not rows:
            return 0
        seal = next_seal(before, [Recorded(*row) for row in rows], now, self._vault.mac)
        self._connection.execute(
            insert(LedgerSeal).values(
                id=seal.number,
                at=seal.at,
                first_id=seal.first_entry,
                last_id=seal.last_entry,
                entries=seal.entries,
                previous=seal.previous,
                mac=seal.mac,
            )
        )
        return len(rows)

    def changes_after(self, number: int, limit: int) -> tuple[list[SealedEntry], int]:
        """Return sealed changes above a number, in order, and up to which number these are all there are."""
        last = self._last().last_entry
        sealed = ConsentRecord.id > number, ConsentRecord.id <= last, ConsentRecord.topic.is_not(None)
        rows = self._connection.execute(
            select(*RECORDED[:-1]).where(*sealed).order_by(ConsentRecord.id).limit(limit)
        )
        changes = [
            SealedEntry(number, who, at, topic, Channel(channel) if channel else None, *more)
            for number, who, at, topic, channel, *more in rows
        ]
        return changes, changes[-1].number if len(changes) == limit else max(last, number)

    def behind(self, names: Collection[str]) -> list[str]:
        """Return the followers for whom there is something new."""
        rows = self._connection.execute(select(LedgerFollower.name, LedgerFollower.entry_id))
        positions = {name: number for name, number in rows}  # noqa: C416 - rows are not pairs to mypy
        last = self._last().last_entry
        return [name for name in names if positions.get(name, 0) < last]

    def position(self, name: str) -> int | None:
        """Return the number of the last entry that a follower dealt with, and hold it."""
        begin = upsert_into(self._connection, LedgerFollower).values(name=name, entry_id=0)
        self._connection.execute(begin.on_conflict_do_nothing())
        return self._connection.scalar(
            select(LedgerFollower.entry_id)
            .where(LedgerFollower.name == name)
            .with_for_update(skip_locked=True)
        )

    def move(self, name: str, number: int) -> None:
        """Note how far a follower has come."""
        self._connection.execute(
            update(LedgerFollower).where(LedgerFollower.name == name).values(entry_id=number)
        )

    def _last(self) -> Link:
        row = self._connection.execute(
            select(LedgerSeal.id, LedgerSeal.last_id, LedgerSeal.mac).order_by(LedgerSeal.id.desc()).limit(1)
        ).first()
        return Link(*row) if row else Link()
