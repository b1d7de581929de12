"""The journal of opt-outs: a file outside the database that only grows."""

import fcntl
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

_OWNER_ALONE: Final = 0o600


class FileJournal:
    """Appends lines. Safe for several processes, and for a file that is moved away by a rotation of logs."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, lines: Sequence[str]) -> None:
        """Write lines, and have them on the disk before it returns; OSError.

        What a crash tore off before gets an end of its own, so that it spoils no line that follows.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = not self._path.exists()
        file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _OWNER_ALONE)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            torn = (size := os.fstat(file).st_size) and os.pread(file, 1, size - 1) != b"\n"
            data = ("\n" if torn else "") + "".join(f"{line}\n" for line in lines)
            _write_all(file, data.encode())
            os.fsync(file)
        finally:
            os.close(file)
        if new:
            _sync_directory(self._path.parent)


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _sync_directory(path: Path) -> None:
    """Have the name of a new file on the disk as well."""
    directory = os.open(path, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def read_lines(paths: Sequence[Path]) -> Iterator[str]:
    """Read the lines of journals, one file after the other; what is no text comes as marks. OSError."""
    for path in paths:
        with path.open(encoding="utf-8", errors="replace") as file:
            yield from file
