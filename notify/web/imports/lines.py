"""Cuts a stream of bytes into numbered lines, however long some of them are."""

import codecs
from collections.abc import Iterable, Iterator
from typing import Final

MAX_LINE: Final = 1_000_000
"""Bytes of a line; the rest of a longer one is read and forgotten."""

TOO_LONG: Final = f"The line is longer than {MAX_LINE:,} bytes"


def numbered_lines(pieces: Iterable[bytes]) -> Iterator[tuple[int, bytes | None]]:
    """Yield each line with its number from 1, without its end; None if it is too long.

    A byte order mark at the start is left out.
    """
    for number, line in enumerate(_lines(pieces), start=1):
        yield number, line.removeprefix(codecs.BOM_UTF8) if number == 1 and line else line


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes | None]:
    """Yield lines as they end; at most one line and one piece are held."""
    begun = b""
    skipping = False
    for piece in pieces:
        first, *rest = piece.split(b"\n")
        begun = b"" if skipping else begun + first
        for line in rest:
            yield None if skipping or len(begun) > MAX_LINE else begun.removesuffix(b"\r")
            skipping = False
            begun = line
        if len(begun) > MAX_LINE:
            skipping, begun = True, b""
    if skipping:
        yield None
    elif begun:
        yield None if len(begun) > MAX_LINE else begun.removesuffix(b"\r")
