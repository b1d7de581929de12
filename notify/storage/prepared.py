"""Statements compiled once for each kind of database and then run by its driver alone.

SQLAlchemy spends several times as long on executing a statement as PostgreSQL does. So what every request
of the hot paths asks is written in its language all the same, and compiled with its types; only the execution
goes past it. Errors of the driver are translated where transactions end (`engine.transaction`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Dialect, any_, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import Executable

_Processor = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement for one kind of database: its text, and what turns values to and fro."""

    text: str
    positions: tuple[str, ...] | None
    fixed: Mapping[str, Any]
    binds: tuple[tuple[str, _Processor], ...]
    results: tuple[tuple[int, _Processor], ...]


def among(dialect: str, column: Any, name: str) -> ColumnElement[bool]:  # noqa: ANN401 - any column
    """Return "column is one of the list called `name`", as it takes the least work in each database."""
    if dialect == "postgresql":
        return column == any_(bindparam(name, type_=ARRAY(column.type)))  # type: ignore[no-any-return]
    return column.in_(bindparam(name, expanding=True))  # type: ignore[no-any-return]


class Prepared:
    """A statement whose values all have names (`bindparam`). Where it expands a list, SQLAlchemy runs it."""

    def __init__(self, build: Callable[[str], Executable]) -> None:
        """Take what builds the statement for a dialect's name; it is called once for each dialect."""
        self._build = build
        self._compiled: dict[str, _Compiled | Executable] = {}

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Run it and return all rows, as plain tuples."""
        compiled = self._for(connection.dialect)
        if isinstance(compiled, Executable):
            return [tuple(row) for row in connection.execute(compiled, values)]
        cursor = _executed(compiled, connection, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        cursor.close()
        return [_translated(row, compiled.results) for row in rows] if compiled.results else rows

    def first(self, connection: Connection, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Run it and return the first row, None if there is none."""
        return next(iter(self.rows(connection, values)), None)

    def run(self, connection: Connection, values: Mapping[str, Any]) -> None:
        """Run it for its effect."""
        compiled = self._for(connection.dialect)
        if isinstance(compiled, Executable):
            connection.execute(compiled, values)
        else:
            _executed(compiled, connection, values).close()

    def _for(self, dialect: Dialect) -> _Compiled | Executable:
        found = self._compiled.get(dialect.name)
        if found is None:
            statement = self._build(dialect.name)
            compiled = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
            expands = any(bind.expanding for bind in compiled.binds.values())
            found = self._compiled[dialect.name] = statement if expands else _stripped(statement, compiled)
        return found


def _executed(compiled: _Compiled, connection: Connection, values: Mapping[str, Any]) -> Any:  # noqa: ANN401 - the driver's
    given: dict[str, Any] = {**compiled.fixed, **values}
    for name, process in compiled.binds:
        given[name] = process(given[name])
    if compiled.positions is None:
        cursor = connection.connection.cursor(binary=True)  # hashes and sealed values as they are, not in hex
        cursor.execute(compiled.text, given)
    else:
        cursor = connection.connection.cursor()
        cursor.execute(compiled.text, [given[name] for name in compiled.positions])
    return cursor


def _stripped(statement: Executable, compiled: SQLCompiler) -> _Compiled:
    """Keep of what SQLAlchemy compiled only what the driver needs."""
    dialect = compiled.dialect
    binds = [
        (name, process)
        for name, bind in compiled.binds.items()
        if (process := bind.type.dialect_impl(dialect).bind_processor(dialect))
    ]
    results = [
        (index, process)
        for index, column in enumerate(getattr(statement, "exported_columns", ()))
        if (process := column.type.dialect_impl(dialect).result_processor(dialect, None))
    ]
    return _Compiled(
        text=str(compiled),
        positions=tuple(compiled.positiontup or ()) if compiled.positional else None,
        fixed={name: value for name, value in compiled.params.items() if value is not None},
        binds=tuple(binds),
        results=tuple(results),
    )


def _translated(row: Sequence[Any], results: Sequence[tuple[int, _Processor]]) -> tuple[Any, ...]:
    found = list(row)
    for index, process in results:
        found[index] = process(found[index])
    return tuple(found)
