"""`notify retain`: what the privacy policy no longer allows to keep."""

from pathlib import Path

import click

from notify.cli.options import composed, data_dir_option


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would go, and change nothing.")
@data_dir_option
def retain(dry_run: bool, data_dir: Path | None) -> None:  # noqa: FBT001
    """Delete what is older than the RETENTION_… settings allow; the scheduler does so every hour."""
    with composed(data_dir) as composition:
        run = composition.retain(dry_run=dry_run)
    for kind, count in run.counts.items():
        click.echo(f"{kind}: {count}")
    if not run.counts:
        click.echo("Nothing is that old.")
    elif dry_run:
        click.echo("Nothing was changed.")
