"""The `notify` command."""

import sys
from collections.abc import Sequence

import click

from notify.cli.alerts import alerts
from notify.cli.doctor import doctor
from notify.cli.importing import import_file
from notify.cli.keys import keys
from notify.cli.ledger import verify_ledger
from notify.cli.ledger_export import export_ledger
from notify.cli.restore import restore_optouts
from notify.cli.retain import retain
from notify.cli.run import migrate, rotate_keys, up
from notify.cli.send import send
from notify.cli.status import status
from notify.domain.errors import InvalidRequestError, NotifyError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="smarttontine-notify")
def notify() -> None:
    """Order updates and newsletters by e-mail and SMS, each with a one-click unsubscribe link."""


for command in (
    up,
    migrate,
    keys,
    send,
    import_file,
    status,
    alerts,
    doctor,
    rotate_keys,
    restore_optouts,
    retain,
    verify_ledger,
    export_ledger,
):
    notify.add_command(command)


def main(words: Sequence[str] | None = None) -> None:
    """Run the command; what is wrong is said in words on standard error, exit code 1 (2: wrong usage).

    `words` are those after the command's own name; the process's when None.
    """
    try:
        notify(words)
    except InvalidRequestError as error:
        for problem in error.problems:
            click.echo(f"Error: {problem.pointer or 'the input'}: {problem.detail}", err=True)
    except NotifyError as error:
        click.echo(f"Error: {error}", err=True)
    else:
        return
    sys.exit(1)
