"""Locks that make an opt-out and a gate wait for each other, in PostgreSQL.

People and addresses fall into 64 shards. A gate holds its shards shared until it commits, so gates run side
by side; an opt-out holds its shards alone. SQLite needs none of it: writers take turns there.
"""

from collections.abc import Collection, Iterable
from typing import Any, Final, cast

from sqlalchemy import Connection, Table, text

from notify.storage.prepared import Prepared
from notify.storage.tables import Recipient

_SHARDS: Final = 64
_SPACE: Final = 1_854_201  # the first key of our advisory locks, so that they meet nobody else's
_IDEMPOTENCY_SPACE: Final = 1_854_202
_SEALING: Final = 1_854_203

_ALONE: Final = Prepared(
    lambda _: text("SELECT pg_advisory_xact_lock(:space, s) FROM unnest(CAST(:shards AS int[])) s")
)
_SHARED: Final = Prepared(
    lambda _: text("SELECT pg_advisory_xact_lock_shared(:space, s) FROM unnest(CAST(:shards AS int[])) s")
)
_PERSON: Final = ", ".join(f"people.{column.name}" for column in cast("Table", Recipient.__table__).c)
_SAVEPOINT: Final = text("SAVEPOINT locks")
_GO_BACK: Final = text("ROLLBACK TO SAVEPOINT locks")
_SEAL: Final = text("SELECT pg_try_advisory_xact_lock(:key)")
_BEGIN: Final = Prepared(
    lambda _: text(
        f"""
        WITH key AS MATERIALIZED (
            SELECT pg_try_advisory_xact_lock(:space, :number) AS free
        ), saved AS MATERIALIZED (
            SELECT request_hash, results FROM idempotency_keys WHERE key_hash = :key
        ), people AS MATERIALIZED (
            SELECT * FROM recipients
            WHERE external_id = ANY(CAST(:ids AS varchar[])) AND (SELECT free FROM key)
                AND NOT EXISTS (SELECT FROM saved)
            ORDER BY external_id FOR NO KEY UPDATE
        )
        SELECT free, request_hash, results, {_PERSON}
        FROM key LEFT JOIN saved ON TRUE LEFT JOIN people ON TRUE
        """  # noqa: S608 - names of our own columns
    )
)


def shards(recipient_ids: Iterable[int], hashes: Iterable[bytes]) -> list[int]:
    """Return the shards, sorted: everybody locks in the same order, so nobody deadlocks."""
    found = {number % _SHARDS for number in recipient_ids}
    found |= {value[0] % _SHARDS for value in hashes}
    return sorted(found)


SHARD_OF_ID: Final = f"CAST(mod({{}}, {_SHARDS}) AS int)"
SHARD_OF_HASH: Final = f"get_byte({{}}, 0) % {_SHARDS}"
LOCK_SHARD_ALONE: Final = f"pg_advisory_xact_lock({_SPACE}, {{}})"
"""The same in SQL, for what reads and locks in one statement."""


def lock_alone(connection: Connection, wanted: list[int]) -> None:
    """Take the shards for an opt-out, until the end of the transaction."""
    _lock(connection, _ALONE, wanted)


def lock_all_alone(connection: Connection) -> None:
    """Take every shard, for opt-outs of so many that they would fall into all of them."""
    lock_alone(connection, list(range(_SHARDS)))


def lock_shared(connection: Connection, wanted: list[int]) -> None:
    """Take the shards for a gate, until the end of the transaction."""
    _lock(connection, _SHARED, wanted)


def set_savepoint(connection: Connection) -> None:
    """Remember what is locked by now; the last savepoint counts."""
    if connection.dialect.name == "postgresql":
        connection.execute(_SAVEPOINT)


def go_back_to_savepoint(connection: Connection) -> None:
    """Let go of what was locked since (https://www.postgresql.org/docs/current/explicit-locking.html)."""
    if connection.dialect.name == "postgresql":
        connection.execute(_GO_BACK)


def lock_sealing(connection: Connection) -> bool:
    """Become the only one who adds to the ledger's chain, until commit; False if somebody else is."""
    if connection.dialect.name != "postgresql":
        return True
    return bool(connection.scalar(_SEAL, {"key": _SEALING}))


def take_key(
    connection: Connection, key_hash: bytes, recipients: Collection[str]
) -> tuple[bool, bytes | None, Any, list[tuple[Any, ...]]]:
    """PostgreSQL: take an idempotency key until the end of the transaction, and read its row.

    Returns whether it was free, then the hash of the request and the results that are saved with it. They
    are as they were just before: who saves new ones must mind what was committed in between. If there are
    none, the recipients are locked in order, as an upsert locks them, and their rows come last.
    """
    number = int.from_bytes(key_hash[:4], "big", signed=True)
    given = {"space": _IDEMPOTENCY_SPACE, "number": number, "key": key_hash, "ids": list(recipients)}
    rows = _BEGIN.rows(connection, given)
    free, request_hash, results = rows[0][:3]
    return free, request_hash, results, [row[3:] for row in rows if row[3] is not None]


def _lock(connection: Connection, statement: Prepared, wanted: list[int]) -> None:
    if connection.dialect.name == "postgresql" and wanted:
        statement.run(connection, {"space": _SPACE, "shards": wanted})
