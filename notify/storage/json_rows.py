"""Rows for PostgreSQL as one JSON value: a thousand of them cost the driver as much as one."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import LargeBinary, Table
from sqlalchemy.dialects.postgresql import psycopg


def to_json(rows: Sequence[Mapping[str, Any]]) -> str:
    """Write rows down; bytes as hexadecimal digits, times in RFC 3339."""
    return orjson.dumps(rows, default=_hex).decode()


def recordset(table: Table, names: Sequence[str], parameter: str, **more: str) -> str:
    """Return SQL that reads the columns `names` of `table` out of such a value, in a FROM clause, as `r`.

    `more`: what stands in it besides, by SQL type.
    """
    dialect = psycopg.dialect()  # type: ignore[no-untyped-call]
    kinds = {name: table.c[name].type for name in names}
    types = {
        name: "text" if isinstance(kind, LargeBinary) else kind.compile(dialect=dialect)
        for name, kind in kinds.items()
    }
    declared = ", ".join(f"{name} {kind}" for name, kind in (types | more).items())
    return f"json_to_recordset(CAST(:{parameter} AS json)) AS r ({declared})"


def selected(table: Table, names: Sequence[str]) -> str:
    """Return the list of those columns for a SELECT from `recordset`."""
    return ", ".join(
        f"decode(r.{name}, 'hex') AS {name}" if isinstance(table.c[name].type, LargeBinary) else f"r.{name}"
        for name in names
    )


def _hex(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError
