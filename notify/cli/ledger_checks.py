"""The check of `notify doctor` on the ledger, and what `notify status` says of it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from notify.cli.counts import counted
from notify.cli.findings import Finding
from notify.domain.backlog import LedgerBacklog
from notify.domain.times import rfc3339

_LATE: Final = timedelta(minutes=1)
_FAR_BEHIND: Final = 100_000


def check_ledger(ledger: LedgerBacklog, now: datetime) -> Iterator[Finding]:
    """Look whether new entries are sealed, and followed."""
    if ledger.oldest_at and now - ledger.oldest_at > _LATE:
        unsealed = counted(ledger.unsealed, "entry is", "entries are")
        text = f"{unsealed} not sealed, the oldest since {rfc3339(ledger.oldest_at)}"
        yield Finding.check(
            "Ledger", text, "See that the scheduler runs, and what it logs of its task `seal`."
        )
    else:
        yield Finding.ok("Ledger", f"sealed; seals: {ledger.seals}")
    for name, count in sorted(ledger.behind.items()):
        if count > _FAR_BEHIND:
            text = f"{name} is {counted(count, 'entry', 'entries')} behind"
            yield Finding.check("Ledger", text, "See what the scheduler logs of its task `follow`.")


def ledger_lines(ledger: LedgerBacklog, oldest: str, sealed: str) -> Iterator[str]:
    """Say it in lines; `oldest` and `sealed` say how old the oldest unsealed entry and the last seal are."""
    seal = f"seal {ledger.seals} {sealed} ago" if ledger.sealed_at else "no seal yet"
    unsealed = counted(ledger.unsealed, "entry", "entries")
    waiting = f"{unsealed} not sealed, the oldest for {oldest}" if ledger.unsealed else "all is sealed"
    yield f"Ledger: {seal}; {waiting}"
    for name, count in sorted(ledger.behind.items()):
        if count:
            yield f"Ledger: {name} is up to {counted(count, 'entry', 'entries')} behind"
