"""Options that all commands share, and what they are turned into."""

import logging
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from notify.bootstrap import Composition, build
from notify.logs import configure_logs
from notify.settings import load_settings

F = TypeVar("F", bound=Callable[..., Any])


def data_dir_option(command: F) -> F:
    """Add `--data-dir`."""
    option = click.option(
        "--data-dir",
        type=click.Path(file_okay=False, path_type=Path),
        help="Where keys, database and queue are kept. [default: NOTIFY_DATA_DIR, else a folder of yours]",
    )
    return option(command)


@contextmanager
def composed(data_dir: Path | None) -> Iterator[Composition]:
    """Build everything for one command. ConfigurationError."""
    configure_logs("cli", level=logging.ERROR)
    with closing(build(load_settings(data_dir), "cli")) as composition:
        yield composition
