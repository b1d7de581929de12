"""Cuts a stream of bytes into numbered lines, however long some of them are."""

import codecs
from collections.abc import Iterable, Iterator
from typing import Final

MAX_LINE: Final = 1_000_000
"""Bytes of a line; the rest of a longer one is read and forgotten."""

TOO_LONG: Final = f"The line is longer than {MAX_LINE:,} bytes"
CUT: Final = "The line has no end: it may have been cut off"

Line = tuple[int, bytes | str]
"""A line with its number, from 1; or why it cannot be read."""


def numbered_lines(pieces: Iterable[bytes], *, may_be_cut: bool = False) -> Iterator[Line]:
    """Yield each line without its end. A byte order mark at the start is left out.

    `may_be_cut`: the stream may have broken off without a sign, so that only what has an end is whole.
    """
    for number, line in enumerate(_lines(pieces, may_be_cut=may_be_cut), start=1):
        marked = number == 1 and isinstance(line, bytes)
        yield number, line.removeprefix(codecs.BOM_UTF8) if marked else line  # type: ignore[arg-type]


def _lines(pieces: Iterable[bytes], *, may_be_cut: bool) -> Iterator[bytes | str]:
    """Yield lines as they end; at most one line and one piece are held."""
    begun = b""
    skipping = False
    for piece in pieces:
        first, *rest = piece.split(b"\n")
        begun = b"" if skipping else begun + first
        for line in rest:
            yield TOO_LONG if skipping or len(begun) > MAX_LINE else begun.removesuffix(b"\r")
            skipping = False
            begun = line
        if len(begun) > MAX_LINE:
            skipping, begun = True, b""
    if skipping:
        yield TOO_LONG
    elif begun:
        yield CUT if may_be_cut else begun.removesuffix(b"\r")
