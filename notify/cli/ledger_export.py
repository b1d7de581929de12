"""`notify export-ledger`: the ledger as a regulator reads it."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from notify.cli.options import composed, data_dir_option
from notify.usecases.ledger.export import Extent

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command("export-ledger")
@click.option("--recipient", metavar="ID", help="Of this recipient alone, by the shop's id.")
@click.option("--since", type=_DAY, help="From this day on (UTC).")
@click.option("--until", type=_DAY, help="Up to this day (UTC), which is part of it.")
@click.option("--without-proofs", is_flag=True, help="Leave out source, wording, IP address, browser.")
@data_dir_option
def export_ledger(
    data_dir: Path | None,
    recipient: str | None,
    since: datetime | None,
    until: datetime | None,
    *,
    without_proofs: bool,
) -> None:
    """Write the ledger to standard output, as CSV in UTF-8: one line for each entry, oldest first.

    Text that a spreadsheet would take for a formula has an apostrophe before it.
    """
    extent = Extent(
        recipient_id=recipient,
        since=since.replace(tzinfo=UTC).date() if since else None,
        until=until.replace(tzinfo=UTC).date() if until else None,
        proofs=not without_proofs,
    )
    with composed(data_dir) as composition:
        for line in composition.export_ledger(extent):
            sys.stdout.buffer.write(line.encode())
