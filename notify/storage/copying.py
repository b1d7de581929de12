"""COPY, PostgreSQL's fastest way in, behind SQLAlchemy's connection and with the core's errors."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter

import psycopg
from sqlalchemy import Connection

from notify.domain.errors import UnavailableError


@dataclass(frozen=True)
class Columns:
    """The columns to fill, with PostgreSQL's names of their types: binary COPY takes no others."""

    table: str
    types: Mapping[str, str]

    @cached_property
    def statement(self) -> str:
        """What begins the COPY."""
        return f"COPY {self.table} ({', '.join(self.types)}) FROM STDIN (FORMAT BINARY)"


def copy_rows(connection: Connection, columns: Columns, rows: Iterable[Mapping[str, object]]) -> None:
    """Insert rows, which name every column, in the transaction of `connection`; UnavailableError.

    A JSON column takes dicts and lists. A row that breaks a constraint raises psycopg's own error.
    """
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError("COPY needs PostgreSQL")
    values = itemgetter(*columns.types)
    try:
        with driver.cursor() as cursor, cursor.copy(columns.statement) as copy:
            copy.set_types(list(columns.types.values()))
            for row in rows:
                copy.write_row(values(row))
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        if driver.broken:
            connection.invalidate(error)
        raise UnavailableError("the database is out of reach") from error
