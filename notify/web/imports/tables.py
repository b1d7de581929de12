"""Reads recipients from a table (CSV, RFC 4180), with commas or, as French Excel writes it, semicolons."""

import csv
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from notify.domain.errors import FieldProblem, InvalidRequestError
from notify.domain.imports import ImportedRow, RefusedRow
from notify.web.api.bodies import BAD_TEXT, Body
from notify.web.imports.columns import Column, read_header
from notify.web.imports.lines import MAX_LINE, Line, numbered_lines
from notify.web.imports.rows import read_row

MOST_LINES: Final = 100
"""Lines of one record; a quote that is not closed by then opened nothing."""

_NOT_UTF8: Final = "The line is not UTF-8"
_NOT_CSV: Final = "The line is not valid CSV: its quotes do not match"


def read_table(pieces: Iterable[bytes], *, may_be_cut: bool = False) -> Iterator[ImportedRow | RefusedRow]:
    """Yield a row for each record but the first, which names the columns. InvalidRequestError."""
    lines = deque[Line]()
    source = numbered_lines(pieces, may_be_cut=may_be_cut)
    columns: Sequence[Column] = ()
    delimiter = ","
    while record := _record(lines, source):
        number = record[0][0]
        try:
            text = _decoded(record)
            if not text.strip():
                continue
            if not columns:
                delimiter = ";" if text.count(";") > text.count(",") else ","
                columns = read_header(_cells(text, delimiter))
                continue
            cells = _cells(text, delimiter)
            if any(cells):
                yield _row(number, columns, cells)
        except ValueError as error:
            if not columns:
                raise InvalidRequestError([FieldProblem("", f"cannot be read: {error}")]) from None
            yield RefusedRow(number, (FieldProblem("", str(error)),))
            # What a stray quote swallowed are rows of their own.
            lines.extendleft(reversed(record[1:]))


def _record(again: deque[Line], source: Iterator[Line]) -> list[Line]:
    """Return the lines of the next record; those after the first are inside quotes. None are left: empty."""
    record: list[Line] = []
    quotes = size = 0
    while line := again.popleft() if again else next(source, None):
        record.append(line)
        if isinstance(line[1], str):
            break
        quotes += line[1].count(b'"')
        size += len(line[1])
        if quotes % 2 == 0 or len(record) == MOST_LINES or size > MAX_LINE:
            break
    return record


def _decoded(record: Sequence[Line]) -> str:
    for _, line in record:
        if isinstance(line, str):
            raise ValueError(line if len(record) == 1 else _NOT_CSV)  # noqa: TRY004 - it is the content
    try:
        text = b"\n".join(line for _, line in record if isinstance(line, bytes)).decode()
    except UnicodeDecodeError:
        raise ValueError(_NOT_UTF8) from None
    if "\0" in text:
        raise ValueError(f"The line {BAD_TEXT}")
    return text


def _cells(text: str, delimiter: str) -> list[str]:
    if '"' not in text:
        return [cell.strip() for cell in text.split(delimiter)]
    try:
        return [cell.strip() for cell in next(csv.reader([text], delimiter=delimiter, strict=True))]
    except csv.Error:
        raise ValueError(_NOT_CSV) from None


def _row(number: int, columns: Sequence[Column], cells: Sequence[str]) -> ImportedRow | RefusedRow:
    if len(cells) != len(columns):
        raise ValueError(f"The line has {len(cells)} cells, and the first line names {len(columns)} columns")
    value: dict[str, Any] = {}
    problems = []
    for column, cell in zip(columns, cells, strict=True):
        if cell:
            try:
                column.put(value, column.cell(cell))
            except ValueError as error:
                problems.append(FieldProblem(column.pointer, str(error)))
    return RefusedRow(number, tuple(problems)) if problems else read_row(number, Body(value))
