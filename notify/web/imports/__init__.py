"""Reads files of recipients, as they stream in, into the rows that an import takes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from notify.domain.imports import ImportedRow, RefusedRow
from notify.web.imports.json_lines import read_json_lines
from notify.web.imports.tables import read_table

Reader = Callable[[Iterable[bytes]], Iterator[ImportedRow | RefusedRow]]

NDJSON: Final = "application/x-ndjson"
CSV: Final = "text/csv"

READERS: Final[Mapping[str, Reader]] = {NDJSON: read_json_lines, CSV: read_table}
"""How to read each media type, from pieces of bytes of any size."""
