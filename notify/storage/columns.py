"""Column types, columns and indexes that SQLite and PostgreSQL share."""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Identity,
    Index,
    Integer,
    TypeDecorator,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import MappedColumn, mapped_column

BigId = BigInteger().with_variant(Integer(), "sqlite")
"""A number from a sequence; SQLite's autoincrement wants its own INTEGER."""

Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time; SQLite stores it naive, in a text that sorts."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times; hand SQLite the naive UTC one."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime was about to be stored")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Make what comes back aware."""
        if value is None:
            return None
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC)


def identity() -> MappedColumn[int]:
    """Return the primary key of a table whose rows are numbered."""
    return mapped_column(BigId, Identity(), primary_key=True, autoincrement=True)


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """Return an index of those rows only for which `where`, in SQL, holds."""
    rows = text(where)
    return Index(name, *columns, unique=unique, postgresql_where=rows, sqlite_where=rows)
