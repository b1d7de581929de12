"""Where a run keeps its databases and logs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers import scratch_directory


@contextmanager
def directory(given: Path | None) -> Iterator[Path]:
    """Use the directory given, which stays, or one that goes with the run."""
    if given is None:
        with scratch_directory() as scratch:
            scratch.chmod(0o755)  # PostgreSQL's account passes through
            yield scratch
        return
    given.mkdir(parents=True, exist_ok=True)
    yield given.resolve()
