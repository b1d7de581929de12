"""Do at providers what is to be done there, until it is done."""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from notify.domain.alerts import ERRAND_OVERDUE
from notify.domain.errands import OVERDUE_AFTER, Errand, ErrandError, next_try_at
from notify.ports import Clock
from notify.store import Store

_log: Final = logging.getLogger(__name__)

MOST: Final = 12
"""In one run; a run every ten seconds stays below the 100 calls a minute that SendGrid allows."""

LEASE: Final = timedelta(minutes=10)
"""Longer than a run takes in which every call times out."""

Handler = Callable[[Mapping[str, Any]], None]
"""Does one errand by its payload. Whatever it raises means that it is to be done again."""


class RunErrands:
    """Does what is due; one at a time, each by one scheduler only."""

    def __init__(self, store: Store, handlers: Mapping[str, Handler], clock: Clock) -> None:
        """`handlers` are by kind; errands of other kinds wait until there is one."""
        self._store = store
        self._handlers = handlers
        self._clock = clock

    def __call__(self) -> int:
        """Return how many were done."""
        now = self._clock()
        with self._store.write() as tx:
            taken = tx.errands.take(tuple(self._handlers), now, now + LEASE, MOST)
            tx.deliveries.beat("errands", now)
        return sum(self._do(errand) for errand in taken)

    def _do(self, errand: Errand) -> bool:
        """Do one; False if it failed and was put off."""
        if errand.payload is None:
            self._put_off(errand, ErrandError("no key opens the payload"))
            return False
        try:
            self._handlers[errand.kind](errand.payload)
        except Exception as error:  # noqa: BLE001 - the other errands must go on
            self._put_off(errand, error)
            return False
        with self._store.write() as tx:
            tx.errands.finish(errand.number)
        return True

    def _put_off(self, errand: Errand, error: Exception) -> None:
        now = self._clock()
        overdue = now - errand.created_at >= OVERDUE_AFTER
        with self._store.write() as tx:
            tx.errands.put_off(errand.number, next_try_at(errand.tries, now))
            if overdue:
                late = {"kind": errand.kind, "errand": errand.number}
                tx.alerts.raise_alert(ERRAND_OVERDUE, late, now)
        told = {"errand": errand.number, "kind": errand.kind, "tries": errand.tries}
        _log.log(
            logging.ERROR if overdue else logging.WARNING,
            "an errand failed and will be tried again",
            # Else the type alone: the text may hold an address.
            extra={**told, "error": str(error) if isinstance(error, ErrandError) else type(error).__name__},
        )
