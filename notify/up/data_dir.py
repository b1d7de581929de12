"""The data directory: made for its owner alone, and held by one `notify up` at a time."""

import fcntl
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from notify.domain.errors import ConfigurationError

_LOG: Final = logging.getLogger("notify.up")
_LAST_ONE_STOPS_WITHIN: Final = 10.0
_KEY_FILE: Final = "api-key"


@contextmanager
def held(directory: Path) -> Iterator[int]:
    """Hold the directory; yields the lock's file descriptor. ConfigurationError if another `up` holds it.

    A killed one's children are still being stopped by its guard, which keeps the lock for these seconds.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(directory / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(descriptor, directory)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(descriptor: int, directory: Path) -> None:
    deadline = time.monotonic() + _LAST_ONE_STOPS_WITHIN
    waiting = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode().strip()
            if (holder.isdigit() and _runs(int(holder))) or time.monotonic() > deadline:
                raise ConfigurationError(
                    f"notify up already runs on {directory} (process {holder or 'unknown'})."
                    " Stop it first, or choose another directory with --data-dir."
                ) from None
            if not waiting:
                _LOG.info("Waiting until what the last one left behind has stopped")
                waiting = True
            time.sleep(0.1)
        else:
            return


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def kept_key(directory: Path, valid: Callable[[str], bool], make: Callable[[], str]) -> str:
    """Return the API key kept in the directory; a new one if there is none that the database knows."""
    path = directory / _KEY_FILE
    if path.exists():
        key = path.read_text().strip()
        if valid(key):
            return key
    key = make()
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{key}\n")
    draft.replace(path)
    return key
