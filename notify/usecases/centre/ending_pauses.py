"""End pauses, and what else bars an address for a while, once their time has come."""

from typing import Final

from notify.domain.catalogue import Catalogue
from notify.domain.ledger import PAUSE_END
from notify.domain.suppressions import PAUSE
from notify.ports import Clock
from notify.store import Store
from notify.usecases.preferences.holding import held_holders
from notify.usecases.preferences.recording_bars import coming, record_difference
from notify.usecases.preferences.recording_choices import Occasion

_AT_ONCE: Final = 100
"""Suppressions that end in one transaction: meanwhile nothing leaves to these addresses."""


class EndPauses:
    """Deletes suppressions whose end has come, in the background; harmless to repeat.

    What comes again by the end of a pause is told to the ledger, as was what stopped by it: who follows the
    ledger, as the shop's webhooks and Twilio do, would take it for stopped else. What bounced has no entries.
    """

    def __init__(self, store: Store, catalogue: Catalogue, clock: Clock) -> None:
        self._store = store
        self._catalogue = catalogue
        self._clock = clock

    def __call__(self) -> int:
        """Return how many ended."""
        ended = 0
        while (count := self._end_some()) is not None:
            ended += count
        return ended

    def _end_some(self) -> int | None:
        """End some; None where nothing is left to end."""
        now = self._clock()
        with self._store.write() as tx:
            over = tx.suppressions.over(now, _AT_ONCE)
            if not over:
                return None
            paused = {(one.channel, one.address_hash) for one in over if one.reason == PAUSE}
            holders = held_holders(tx, paused) if paused else {}
            before = coming(tx, self._catalogue, holders)
            count = tx.suppressions.end([one.number for one in over], now)
            record_difference(
                tx,
                self._catalogue,
                holders,
                before,
                lambda one: Occasion(now, PAUSE_END, locale=one.profile.locale),
            )
            return count
