"""Warn of complaints before mailbox providers act on them: long before a campaign stops itself for them."""

from collections import Counter
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final

from notify.domain import ids
from notify.domain.alerts import COMPLAINT_RATE
from notify.domain.campaigns import worrying_complaints
from notify.domain.status import Status
from notify.ports import Clock
from notify.store import Store, Transaction

_REPORTED_WITHIN: Final = timedelta(days=3)
"""Nearly all who complain do so within days of a mail."""
_DAY: Final = timedelta(days=1)


class WatchComplaints:
    """Raises an alert while a campaign of late, or all that the sender began within a day, has too many.

    Cheap where nobody has complained.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def __call__(self) -> bool:
        """Look; return whether there is something to worry about."""
        now = self._clock()
        with self._store.read() as tx:
            rates = self._rates(tx, now)
            is_open = any(one.kind == COMPLAINT_RATE for one in tx.alerts.open_ones())
        if rates or is_open:
            with self._store.write() as tx:
                if rates:
                    tx.alerts.raise_alert(COMPLAINT_RATE, rates, now)
                else:
                    tx.alerts.clear(COMPLAINT_RATE, now)
        return bool(rates)

    def _rates(self, tx: Transaction, now: datetime) -> dict[str, object]:
        """Return what is too high, in per cent."""
        begun = tx.campaigns.begun_since(now - _REPORTED_WITHIN)
        complained = {number for number in begun if tx.campaigns.reports(number).get(Status.COMPLAINED)}
        if not complained:
            return {}
        today = {number for number, at in begun.items() if at > now - _DAY}
        counts = {number: tx.campaigns.progress(number, now) for number in sorted(complained | today)}
        whole_day: Counter[str] = Counter()
        for number in today:
            whole_day.update(counts[number])
        named = {
            ids.public(ids.CAMPAIGN, number): _per_cent(rate)
            for number in sorted(complained)
            if (rate := worrying_complaints(counts[number]))
        }
        day = worrying_complaints(whole_day)
        return ({"campaigns": named} if named else {}) | ({"day": _per_cent(day)} if day else {})


def _per_cent(rate: Fraction) -> float:
    return round(float(rate * 100), 2)
