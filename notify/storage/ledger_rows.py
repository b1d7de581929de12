"""Puts rows on the ledger: a few by INSERT, many by COPY where there is one."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, insert, text

from notify.storage.consent_tables import ConsentProof, ConsentRecord
from notify.storage.copying import Columns, copy_rows, next_numbers

_MANY: Final = 50

_WRITER: Final = text("LOCK TABLE consent_records IN ROW EXCLUSIVE MODE")
_INSERT: Final = insert(ConsentRecord).returning(ConsentRecord.id, sort_by_parameter_order=True)
_ENTRIES: Final = Columns(
    "consent_records",
    {
        "id": "int8", "recipient_id": "int8", "at": "timestamptz", "topic": "int2", "channel": "varchar",
        "subscribed": "bool", "way": "varchar", "locale": "varchar", "policy_version": "varchar",
        "message_id": "int8", "proof_hash": "bytea",
    },
)  # fmt: skip
_PROOFS: Final = Columns(
    "consent_proofs", {"consent_id": "int8", "proof_sealed": "bytea", "created_at": "timestamptz"}
)


def insert_entries(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Insert entries; return their numbers, in order."""
    if not _copies(connection, rows):
        return list(connection.scalars(_INSERT, rows))
    connection.execute(_WRITER)  # whoever seals must see us before we have numbers; it blocks nobody
    numbers = next_numbers(connection, _ENTRIES.table, len(rows))
    copy_rows(
        connection, _ENTRIES, ({**row, "id": number} for row, number in zip(rows, numbers, strict=True))
    )
    return numbers


def insert_proofs(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the proofs behind entries."""
    if _copies(connection, rows):
        copy_rows(connection, _PROOFS, rows)
    elif rows:
        connection.execute(insert(ConsentProof), rows)


def _copies(connection: Connection, rows: Sequence[object]) -> bool:
    return len(rows) >= _MANY and connection.dialect.name == "postgresql"
