"""`notify keys`: make, list and revoke API keys."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from notify.cli.options import composed, data_dir_option
from notify.domain.api_keys import KeyRow
from notify.usecases.api_keys import KeyScope


@click.group()
def keys() -> None:
    """API keys: make, list, revoke."""


@keys.command()
@click.option("--name", required=True, help="Who uses it, as the shop's order system.")
@click.option(
    "--scope",
    "scopes",
    required=True,
    multiple=True,
    type=click.Choice([scope.value for scope in KeyScope]),
    help="What it may do; may be repeated.",
)
@click.option("--test", is_flag=True, help="Its messages end in the outbox.")
@click.option("--expires-in", type=click.IntRange(1, 3650), metavar="DAYS", help="[default: never]")
@data_dir_option
def create(
    name: str, scopes: tuple[str, ...], expires_in: int | None, data_dir: Path | None, *, test: bool
) -> None:
    """Make a key and print it, alone; it is not shown again."""
    expires_at = datetime.now(UTC) + timedelta(days=expires_in) if expires_in else None
    with composed(data_dir, begins=True) as composition:
        key = composition.create_key(name, frozenset(map(KeyScope, scopes)), test=test, expires_at=expires_at)
    click.echo(key)


@keys.command("list")
@data_dir_option
def list_keys(data_dir: Path | None) -> None:
    """List all keys, oldest first."""
    now = datetime.now(UTC)
    with composed(data_dir) as composition:
        rows = composition.list_keys()
    for row in rows:
        click.echo(_line(row, now))


@keys.command()
@click.argument("key_id", type=int, metavar="ID")
@data_dir_option
def revoke(key_id: int, data_dir: Path | None) -> None:
    """Revoke a key by its number in the list; it stops working within five seconds."""
    with composed(data_dir) as composition:
        composition.revoke_key(key_id)
    click.echo(f"Key {key_id} is revoked.")


def _line(row: KeyRow, now: datetime) -> str:
    if row.revoked_at:
        state = f"revoked {row.revoked_at:%Y-%m-%d}"
    elif not row.valid_at(now):
        state = f"expired {row.expires_at:%Y-%m-%d}"
    else:
        state = f"until {row.expires_at:%Y-%m-%d}" if row.expires_at else "no expiry"
    used = f"used {row.last_used_at:%Y-%m-%d %H:%M} UTC" if row.last_used_at else "never used"
    return f"{row.id:>4}  {row.hint}…  {row.name}  [{', '.join(sorted(row.scopes))}]  {state}  {used}"
