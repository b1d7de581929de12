"""Locks that make an opt-out and a gate wait for each other, in PostgreSQL.

People and addresses fall into 64 shards. A gate holds its shards shared until it commits, so gates run side
by side; an opt-out holds its shards alone. SQLite needs none of it: writers take turns there.
"""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Connection, text

from notify.storage.prepared import Prepared

_SHARDS: Final = 64
_SPACE: Final = 1_854_201  # the first key of our advisory locks, so that they meet nobody else's
_IDEMPOTENCY_SPACE: Final = 1_854_202

_ALONE: Final = Prepared(
    lambda _: text("SELECT pg_advisory_xact_lock(:space, s) FROM unnest(CAST(:shards AS int[])) s")
)
_SHARED: Final = Prepared(
    lambda _: text("SELECT pg_advisory_xact_lock_shared(:space, s) FROM unnest(CAST(:shards AS int[])) s")
)
_BEGIN: Final = Prepared(
    lambda _: text(
        "SELECT pg_try_advisory_xact_lock(:space, :number), k.request_hash, k.results"
        " FROM (VALUES (1)) AS one LEFT JOIN idempotency_keys k ON k.key_hash = :key"
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


def take_key(connection: Connection, key_hash: bytes) -> tuple[bool, bytes | None, Any]:
    """PostgreSQL: take an idempotency key until the end of the transaction, and read its row.

    Returns whether it was free, then the hash of the request and the results that are saved with it. They
    are as they were just before: who saves new ones must mind what was committed in between.
    """
    number = int.from_bytes(key_hash[:4], "big", signed=True)
    given = {"space": _IDEMPOTENCY_SPACE, "number": number, "key": key_hash}
    free, request_hash, results = _BEGIN.rows(connection, given)[0]
    return free, request_hash, results


def _lock(connection: Connection, statement: Prepared, wanted: list[int]) -> None:
    if connection.dialect.name == "postgresql" and wanted:
        statement.run(connection, {"space": _SPACE, "shards": wanted})
