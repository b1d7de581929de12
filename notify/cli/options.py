"""Options that all commands share, and what they are turned into."""

import logging
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from notify.bootstrap import Composition, build
from notify.cli.schema import demand_set_up, make_ready
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
def composed(data_dir: Path | None, *, begins: bool = False) -> Iterator[Composition]:
    """Build everything for one command, on a database that is ready. ConfigurationError, UnavailableError.

    Where nothing is set up yet, only a command that `begins` something sets it up: others have the wrong
    directory, and would find all well in an empty one.
    """
    with looked_at(data_dir, begins=begins) as composition:
        make_ready(composition)
        yield composition


@contextmanager
def looked_at(data_dir: Path | None, *, begins: bool = False) -> Iterator[Composition]:
    """Build everything for a command that only looks: the database stays as it is. ConfigurationError."""
    configure_logs("cli", level=logging.ERROR)
    settings = load_settings(data_dir, begins=begins)
    if not begins:
        demand_set_up(settings)
    with closing(build(settings, "cli")) as composition:
        yield composition
