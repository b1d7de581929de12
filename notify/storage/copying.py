"""COPY and arrays, PostgreSQL's fastest ways in, behind SQLAlchemy and with the core's errors."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Final

import orjson
import psycopg
from psycopg.types.json import Jsonb, set_json_dumps
from sqlalchemy import Connection, text

from notify.storage.engine import out_of_reach

_NUMBERS: Final = text(
    "SELECT nextval(name) FROM generate_series(1, :count),"
    " (SELECT CAST(pg_get_serial_sequence(:table, 'id') AS regclass) AS name OFFSET 0) AS looked_up_once"
)


@dataclass(frozen=True)
class Columns:
    """The columns to fill, with PostgreSQL's names of their types: binary COPY takes no others."""

    table: str
    types: Mapping[str, str]

    @cached_property
    def statement(self) -> str:
        """What begins the COPY."""
        return f"COPY {self.table} ({', '.join(self.types)}) FROM STDIN (FORMAT BINARY)"

    @property
    def arrays(self) -> str:
        """A table made of parameters that are lists, one for each column and of its name."""
        return f"unnest({', '.join(f'CAST(:{name} AS {kind}[])' for name, kind in self.types.items())})"


def next_numbers(connection: Connection, table: str, count: int) -> list[int]:
    """Take numbers for new rows of a table, ascending."""
    return sorted(connection.scalars(_NUMBERS, {"table": table, "count": count}))


def copy_rows(connection: Connection, columns: Columns, rows: Iterable[Mapping[str, object]]) -> None:
    """Insert rows, which name every column, in the transaction of `connection`; UnavailableError.

    A JSON column takes dicts and lists. A row that breaks a constraint raises psycopg's own error.
    """
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError("COPY needs PostgreSQL")
    values = itemgetter(*columns.types)
    try:
        with driver.cursor() as cursor:
            set_json_dumps(orjson.dumps, cursor)
            with cursor.copy(columns.statement) as copy:
                copy.set_types(list(columns.types.values()))
                for row in rows:
                    copy.write_row(values(row))
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        if driver.broken:
            connection.invalidate(error)
        raise out_of_reach(error) from error


def upsert_rows(
    connection: Connection, columns: Columns, key: Sequence[str], rows: Sequence[Mapping[str, object]]
) -> None:
    """Insert rows that differ in their keys, or bring those that are there up to date, in one statement."""
    names = list(columns.types)
    newest = ", ".join(f"{name} = EXCLUDED.{name}" for name in names if name not in key)
    statement = text(
        f"INSERT INTO {columns.table} ({', '.join(names)}) SELECT * FROM {columns.arrays}"  # noqa: S608 - no input
        f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {newest}"
    )
    connection.execute(statement, {name: [row[name] for row in rows] for name in names})


def update_rows(connection: Connection, columns: Columns, rows: Sequence[Mapping[str, object]]) -> None:
    """Bring rows up to date, which are found by their `id` and locked already."""
    lists = {
        name: [Jsonb(row[name]) if kind == "jsonb" else row[name] for row in rows]
        for name, kind in columns.types.items()
    }
    changes = ", ".join(f"{name} = given.{name}" for name in columns.types if name != "id")
    statement = text(
        f"UPDATE {columns.table} SET {changes}"  # noqa: S608 - no input
        f" FROM {columns.arrays} AS given({', '.join(columns.types)}) WHERE {columns.table}.id = given.id"
    )
    connection.execute(statement, lists)
