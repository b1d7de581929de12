"""Keep opt-outs in a journal outside the database, so that a restored backup cannot forget them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from notify.domain.alerts import JOURNAL_UNWRITABLE
from notify.domain.journal import (
    LedgerHead,
    choice_line,
    numbers_line,
    seal_line,
    sets_a_preference,
    written,
)
from notify.domain.ledger import SealedEntry
from notify.ports import Clock, JournalFile
from notify.store import Store, Transaction

_MOST: Final = 1_000
_NUMBERS_EVERY: Final = timedelta(seconds=10)


def journal_choices(tx: Transaction, entries: Sequence[SealedEntry], _now: datetime) -> None:
    """Follow the ledger: have every choice written, with the addresses that it bound or freed."""
    choices = [entry for entry in entries if sets_a_preference(entry)]
    if choices:
        addresses = tx.journal.addresses_of(choices)
        tx.journal.add([choice_line(entry, addresses[entry.number]) for entry in choices])


class WriteJournal:
    """Writes what waits, and now and then how far numbers and the ledger's chain have come.

    Lines leave the database only when they are on the disk; a crash in between writes them twice.
    """

    def __init__(self, store: Store, file: JournalFile, clock: Clock) -> None:
        self._store = store
        self._file = file
        self._clock = clock
        self._head: LedgerHead | None = None
        self._numbers: Mapping[str, int] = {}
        self._noted_at: datetime | None = None
        self._failed = True  # what an earlier process could not write, this one perhaps can

    def __call__(self) -> int:
        """Return how many lines were written. OSError if the file cannot be; an alert says so as well."""
        try:
            count = self._write()
        except OSError as error:
            self._failed = True
            with self._store.write() as tx:
                tx.alerts.raise_alert(JOURNAL_UNWRITABLE, {"error": type(error).__name__}, self._clock())
            raise
        if self._failed:
            self._failed = False
            with self._store.write() as tx:
                tx.alerts.clear(JOURNAL_UNWRITABLE, self._clock())
        return count

    def _write(self) -> int:
        with self._store.read() as tx:
            waiting = tx.journal.is_waiting()
        count = 0
        while waiting:
            written_now = self._write_some()
            count += written_now
            waiting = written_now == _MOST
        return count + self._note()

    def _write_some(self) -> int:
        with self._store.write() as tx:
            rows = tx.journal.waiting(_MOST)
            if rows:
                self._file.append([f'{{"line":{row.number},{row.line[1:]}' for row in rows])
                tx.journal.drop([row.number for row in rows])
        return len(rows)

    def _note(self) -> int:
        """Write the chain's head and the numbers, where they have changed."""
        now = self._clock()
        if self._noted_at and now - self._noted_at < _NUMBERS_EVERY:
            return 0
        with self._store.read() as tx:
            head, numbers = tx.journal.head(), tx.journal.numbers()
        # Its own lines' numbers change by being written: they alone are no news.
        told = {name: number for name, number in numbers.items() if name != "journal_lines"}
        lines = []
        if told != self._numbers:
            lines.append(written(numbers_line(numbers, now)))
        if head and head != self._head:
            lines.append(written(seal_line(head)))
        if lines:
            self._file.append(lines)
        with self._store.write() as tx:
            tx.deliveries.beat("journal", now)
        self._head, self._numbers, self._noted_at = head, told, now
        return len(lines)
