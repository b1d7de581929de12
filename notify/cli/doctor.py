"""`notify doctor`: what is wrong, and what to do about it."""

import logging
import sys
from contextlib import closing
from pathlib import Path

import click

from notify.bootstrap import build
from notify.cli import checks
from notify.cli.findings import Finding, State
from notify.cli.options import data_dir_option
from notify.cli.provider_checks import check_providers
from notify.cli.report_checks import reports
from notify.domain.errors import ConfigurationError
from notify.logs import configure_logs
from notify.settings import load_settings


@click.command()
@data_dir_option
def doctor(data_dir: Path | None) -> None:
    """Look at settings, database, Redis, providers, senders, clock and keys; exit code 1 if one is broken."""
    configure_logs("cli", level=logging.ERROR)
    findings = examine(data_dir)
    for finding in findings:
        click.echo(str(finding))
    broken = sum(finding.state is State.BROKEN for finding in findings)
    check = sum(finding.state is State.CHECK for finding in findings)
    click.echo(f"\n{broken} broken, {check} to check, of {len(findings)} looked at.")
    sys.exit(1 if broken else 0)


def examine(data_dir: Path | None) -> list[Finding]:
    """Look at everything that can be looked at."""
    try:
        settings = load_settings(data_dir, keeps=False)
    except ConfigurationError as error:
        return _wrong(error)
    with closing(build(settings, "cli")) as composition:
        try:
            _ = composition.engine
        except ConfigurationError as error:
            return _wrong(error)
        skews: list[float] = []
        findings = [Finding.ok("Settings", f"read; data in {settings.data_dir}")]
        findings += checks.data_directory(settings)
        findings += checks.database(composition)
        findings += checks.redis(composition, skews)
        findings += check_providers(settings, skews)
        findings += reports(settings)
        findings += checks.senders(settings)
        findings += checks.imprint(settings)
        findings += checks.limits(settings)
        findings += checks.clock(skews)
        findings += checks.public_url(settings)
        findings += checks.keys(composition)
    return findings


def _wrong(error: ConfigurationError) -> list[Finding]:
    remedy = "Set it in the environment; README.md, Configuration, lists all."
    return [Finding.broken("Settings", line, remedy) for line in str(error).splitlines()]
