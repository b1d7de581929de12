"""`notify verify-ledger`: whether the ledger is still what it was when it was written."""

import sys
import time
from collections import Counter
from pathlib import Path
from typing import Final

import click

from notify.cli.options import composed, data_dir_option
from notify.domain.ledger_findings import Finding

_NAMED_OF_A_KIND: Final = 100


class _Told:
    """Prints findings as they come; of each kind no more than anybody reads."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def __call__(self, finding: Finding) -> None:
        self._counts[finding.kind] += 1
        if self._counts[finding.kind] <= _NAMED_OF_A_KIND:
            click.echo(finding.text)

    def close(self) -> None:
        """Say how many were left out."""
        for kind, count in self._counts.items():
            if count > _NAMED_OF_A_KIND:
                click.echo(f"… and {count - _NAMED_OF_A_KIND} more findings of this kind: {kind}.")


@click.command("verify-ledger")
@click.option("--head", metavar="NUMBER:MAC", help="A head noted earlier, which must be in the chain.")
@data_dir_option
def verify_ledger(data_dir: Path | None, head: str | None) -> None:
    """Check the ledger's chain, entries and proofs, and what rests on them; exit code 1 if it is not sound.

    The service may go on meanwhile. The head that is printed is worth keeping elsewhere; without --head, the
    last one in the journal of opt-outs must be in the chain.
    """
    with composed(data_dir) as composition:
        started, told = time.monotonic(), _Told()
        noted = head.strip() if head else composition.journalled_head()
        verified = composition.verify_ledger(told, noted)
        told.close()
    seconds = time.monotonic() - started
    if verified.findings:
        click.echo("")
    click.echo(
        f"Entries: {verified.entries}, in seals: {verified.seals}. Not sealed yet: {verified.unsealed}."
        f" Findings: {verified.findings}. Seconds: {seconds:.1f}."
    )
    click.echo(f"Head: {verified.head or 'none yet'}")
    sys.exit(1 if verified.findings else 0)
