"""`notify import`: a file of recipients, as the API would take it."""

import gc
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

import click

from notify.cli.options import composed, data_dir_option
from notify.web.api.imports import report_body
from notify.web.imports import CSV, NDJSON, READERS

_PIECE: Final = 1 << 20
_TOLD_EVERY: Final = 50_000
_FORMATS: Final = {"csv": CSV, "ndjson": NDJSON}
_SUFFIXES: Final = {".csv": CSV, ".ndjson": NDJSON, ".jsonl": NDJSON}

T = TypeVar("T")


@click.command("import")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--format",
    "form",
    type=click.Choice(list(_FORMATS)),
    help="[default: by the name: .csv, .ndjson, .jsonl]",
)
@data_dir_option
def import_file(file: BinaryIO, form: str | None, data_dir: Path | None) -> None:
    """Import the recipients of FILE (- for standard input), and print the report as JSON.

    A row that is refused stands in the report and never fails the rest. The same file may be imported again.
    """
    media_type = _FORMATS[form] if form else _SUFFIXES.get(Path(file.name).suffix.lower())
    if media_type is None:
        raise click.UsageError("The name does not say what the file is: give --format csv or ndjson.")
    pieces = iter(lambda: file.read(_PIECE), b"")
    with composed(data_dir, begins=True) as composition:
        run = composition.import_recipients
        gc.freeze()  # what is there by now stays: looking at it again and again took a tenth of the time
        report = run(_counted(READERS[media_type](pieces)))
    click.echo(json.dumps(report_body(report), indent=2, ensure_ascii=False))


def _counted(rows: Iterable[T]) -> Iterator[T]:
    """Tell a person who waits how far it is."""
    watched = sys.stderr.isatty()
    for count, row in enumerate(rows, start=1):
        yield row
        if watched and count % _TOLD_EVERY == 0:
            click.echo(f"{count:,} rows", err=True)
