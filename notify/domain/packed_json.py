"""JSON that is kept compressed as it grows: it may be far larger than the memory that it takes."""

import json
import zlib
from collections.abc import Iterable, Iterator
from typing import Final

_GZIP: Final = 31
"""zlib's `wbits` for the format of RFC 1952."""
_QUICK: Final = 1
_PIECE: Final = 65_536


class PackedJson:
    """A JSON object, made member by member. Once it is closed its length is known, and it can be sent.

    So whatever goes wrong while it is made goes wrong before the first byte of it leaves.
    """

    def __init__(self, indent: int | None = None) -> None:
        """`indent`: as `json.dumps` has it."""
        self._indent = indent
        self._squeeze = zlib.compressobj(_QUICK, wbits=_GZIP)
        self._packed: list[bytes] = []
        self._first = True
        self.length = 0
        """In bytes of JSON."""

    def add(self, name: str, value: object) -> None:
        """Add a member. ValueError for NaN and the infinities."""
        self._write(f"{self._next()}{json.dumps(name)}: {self._text(value)}")

    def add_list(self, name: str, items: Iterable[object]) -> None:
        """Add a member that is a list, an item at a time."""
        self._write(f"{self._next()}{json.dumps(name)}: [")
        before = "\n"
        for item in items:
            self._write(before + self._text(item))
            before = ",\n"
        self._write("]")

    def close(self) -> None:
        """End the object; nothing can be added any more."""
        self._write("{}\n" if self._first else "\n}\n")
        self._packed.append(self._squeeze.flush())

    def packed(self) -> list[bytes]:
        """Return all of it, compressed (gzip, RFC 1952), in pieces."""
        return [piece for piece in self._packed if piece]

    def pieces(self) -> Iterator[bytes]:
        """Return all of it, UTF-8, in pieces of up to 64 KB."""
        unpack = zlib.decompressobj(wbits=_GZIP)
        for packed in self._packed:
            rest, full = packed, True
            while rest or full:  # after a full piece there may be more of what was read already
                if piece := unpack.decompress(rest, _PIECE):
                    yield piece
                rest, full = unpack.unconsumed_tail, len(piece) == _PIECE

    def _next(self) -> str:
        opening = "{\n" if self._first else ",\n"
        self._first = False
        return opening

    def _text(self, value: object) -> str:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=self._indent)

    def _write(self, text: str) -> None:
        written = text.encode("utf-8", "replace")
        self.length += len(written)
        if packed := self._squeeze.compress(written):
            self._packed.append(packed)
