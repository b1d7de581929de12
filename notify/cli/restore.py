"""`notify restore-optouts`: what a restored database has forgotten."""

from pathlib import Path

import click

from notify.cli.counts import counted
from notify.cli.options import composed, data_dir_option


@click.command("restore-optouts")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would be put back, and change nothing.")
@data_dir_option
def restore_optouts(files: tuple[Path, ...], dry_run: bool, data_dir: Path | None) -> None:  # noqa: FBT001
    """Put opt-outs and erasures back that a restored backup does not know of.

    FILES are the journals, oldest first; by default that of OPTOUT_JOURNAL. Run it after the restore, before
    the service is started again. It never opts anybody in, and is harmless to repeat.
    """
    with composed(data_dir) as composition:
        done = composition.restore_optouts(files, dry_run=dry_run)
    verb = "To put back" if dry_run else "Put back"
    click.echo(f"Lines read: {done.lines} ({done.unreadable} of them torn or unreadable)")
    told = (
        counted(done.opted_out, "opt-out", "opt-outs"),
        counted(done.barred, "suppression", "suppressions"),
        counted(done.erased, "erasure", "erasures"),
    )
    click.echo(f"{verb}: {', '.join(told)}")
