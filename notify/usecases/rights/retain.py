"""Delete what the privacy policy no longer allows to keep, in small steps, and leave a report."""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from notify.domain.retention import AGAIN, Kept, RetentionPolicy, RetentionRun, Step
from notify.ports import Clock
from notify.store import Store
from notify.usecases.rights.erase import EraseRecipient

_log: Final = logging.getLogger(__name__)

_STEPS_OF_ALL: Final = 200
"""Of kinds that are looked at again and again: 100,000 rows in a run."""


class Retain:
    """Runs the policy. Every step is a transaction of its own, and harmless to repeat."""

    def __init__(self, store: Store, erase: EraseRecipient, policy: RetentionPolicy, clock: Clock) -> None:
        self._store = store
        self._erase = erase
        self._policy = policy
        self._clock = clock

    def __call__(self, *, dry_run: bool = False) -> RetentionRun:
        """Run once; return what went. With `dry_run`, look at everything and change nothing."""
        now = self._clock()
        with self._store.read() as tx:
            last = tx.retention.last_run()
        marks = dict(last.marks) if last and not dry_run else {}
        counts: dict[str, int] = {}
        for kind, before in self._policy.cutoffs(now).items():
            count, marks[kind] = self._walk(kind, marks.get(kind, 0), before, dry_run=dry_run)
            if count:
                counts[kind] = count
        run = RetentionRun(now, counts, marks)
        if not dry_run:
            with self._store.write() as tx:
                tx.retention.add_run(run)
                tx.deliveries.beat("retain", now)
            if counts:
                _log.info("retention", extra={"gone": _in_words(counts)})
        return run

    def _walk(self, kind: Kept, after: int, before: datetime, *, dry_run: bool) -> tuple[int, int]:
        """Return how many went, and where the next run begins."""
        count, mark, held, steps = 0, after, False, 0
        while True:
            step = self._step(kind, after, before, dry_run=dry_run)
            count, after, steps = count + step.count, step.after, steps + 1
            if not held:
                mark = step.mark
                held = mark < step.after  # something was left behind
            if not step.more:
                return count, 0 if kind in AGAIN else mark
            if kind in AGAIN and steps == _STEPS_OF_ALL and not dry_run:
                return count, after

    def _step(self, kind: Kept, after: int, before: datetime, *, dry_run: bool) -> Step:
        if kind is Kept.CONTACTS:
            return self._erase_some(after, before, dry_run=dry_run)
        if dry_run:
            with self._store.read() as tx:
                return tx.retention.step(kind, after, before, dry_run=True)
        with self._store.write() as tx:
            return tx.retention.step(kind, after, before, dry_run=False)

    def _erase_some(self, after: int, before: datetime, *, dry_run: bool) -> Step:
        with self._store.read() as tx:
            idle, step = tx.retention.idle(after, before)
        if dry_run:
            return step
        gone = sum(self._erase_one(number, before) for number in idle)
        return Step(gone, step.after, step.mark, step.more)

    def _erase_one(self, number: int, before: datetime) -> bool:
        """Erase somebody, unless they were in contact just now."""
        with self._store.write() as tx:
            found = tx.recipients.by_numbers([number]).get(number)
            if found is None:
                return False
            tx.consents.lock_out_gates([number], found.hashes.values())
            current = tx.recipients.by_external_id(found.external_id, lock=True)
            if current is None or current.id != number or not tx.retention.still_idle(number, before):
                return False
            self._erase.erase(tx, current, self._clock())
        return True


def _in_words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{kind}: {count}" for kind, count in counts.items())
