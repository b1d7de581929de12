"""`notify up`, `notify migrate` and `notify rotate-keys`."""

from pathlib import Path

import click

from notify.cli.options import composed, data_dir_option
from notify.settings import load_settings
from notify.storage.migrate import upgrade
from notify.up.programs import Address
from notify.up.run import run


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@data_dir_option
def up(host: str, port: int, data_dir: Path | None) -> None:
    """Run everything on this machine: web, workers, scheduler, database and queue."""
    run(load_settings(data_dir), Address(host, port))


@click.command()
@data_dir_option
def migrate(data_dir: Path | None) -> None:
    """Bring the database to the newest schema; harmless to repeat."""
    upgrade(load_settings(data_dir).database_url)
    click.echo("The database has the newest schema.")


@click.command("rotate-keys")
@data_dir_option
def rotate_keys(data_dir: Path | None) -> None:
    """Encrypt under the newest of ENCRYPTION_KEYS what is under an older one, while the service runs."""
    with composed(data_dir) as composition:
        count = composition.rotate_keys(lambda field, changed: click.echo(f"{field}: {changed}"))
    click.echo(f"Encrypted anew: {count}. Nothing is left under an older key.")
