"""`notify alerts`: what an operator should look at, and saying that it was looked at."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from notify.cli.options import composed, data_dir_option
from notify.domain.alerts import ADVICE, OpenAlert
from notify.domain.errors import NotFoundError


@click.command()
@click.option("--clear", metavar="KIND", help="Say that an alert was looked at; it opens again if it recurs.")
@data_dir_option
def alerts(data_dir: Path | None, clear: str | None) -> None:
    """Show open alerts; they close by themselves after a quiet day."""
    with composed(data_dir) as composition:
        if clear:
            with composition.store.write() as tx:
                if not tx.alerts.clear(clear, datetime.now(UTC)):
                    raise NotFoundError(f"no open alert of the kind {clear}")
            return
        with composition.store.read() as tx:
            found = tx.alerts.open_ones()
    for line in alert_lines(found):
        click.echo(line)
    if not found:
        click.echo("No open alerts.")


def alert_lines(found: Sequence[OpenAlert]) -> Iterator[str]:
    """Say what is open, and what to do."""
    for one in found:
        told = ", ".join(f"{name} {value}" for name, value in one.details.items() if value)
        since = f"{one.at:%Y-%m-%d %H:%M} UTC"
        yield f"ALERT {one.kind}: {one.count} × since {since}, last {one.last_at:%H:%M} UTC ({told})"
        if advice := ADVICE.get(one.kind):
            yield f"  → {advice}"
