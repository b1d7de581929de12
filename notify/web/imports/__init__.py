"""Reads files of recipients, as they stream in, into the rows that an import takes."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Protocol

from notify.domain.imports import ImportedRow, RefusedRow
from notify.web.imports.json_lines import read_json_lines
from notify.web.imports.tables import read_table


class Reader(Protocol):
    """Reads one media type."""

    def __call__(
        self, pieces: Iterable[bytes], *, may_be_cut: bool = False
    ) -> Iterator[ImportedRow | RefusedRow]:
        """Yield the rows of a file that comes in pieces of any size.

        `may_be_cut`: its end may be missing without a sign, so that what has no end is refused.
        """
        ...


NDJSON: Final = "application/x-ndjson"
CSV: Final = "text/csv"

READERS: Final[Mapping[str, Reader]] = {NDJSON: read_json_lines, CSV: read_table}
"""How to read each media type."""
