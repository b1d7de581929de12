"""Reads recipients from JSON, one on each line (NDJSON)."""

from collections.abc import Iterable, Iterator

from notify.domain.errors import FieldProblem, InvalidRequestError
from notify.domain.imports import ImportedRow, RefusedRow
from notify.web.api.bodies import parsed
from notify.web.imports.lines import numbered_lines
from notify.web.imports.rows import read_row
from notify.web.refusals import MalformedBodyError


def read_json_lines(
    pieces: Iterable[bytes],
    *,
    may_be_cut: bool = False,  # noqa: ARG001 - an object that lacks its end is no JSON
) -> Iterator[ImportedRow | RefusedRow]:
    """Yield a row for each line that is not blank."""
    for number, line in numbered_lines(pieces):
        if isinstance(line, str):
            yield RefusedRow(number, (FieldProblem("", line),))
        elif line.strip():
            yield _row(number, line)


def _row(number: int, line: bytes) -> ImportedRow | RefusedRow:
    try:
        body = parsed(line)
    except MalformedBodyError as error:
        said = str(error).replace("The body", "The line").replace("line 1, ", "")
        return RefusedRow(number, (FieldProblem("", said),))
    except InvalidRequestError as error:
        return RefusedRow(number, error.problems)
    return read_row(number, body)
