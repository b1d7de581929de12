"""End pauses, and what else bars an address for a while, once their time has come."""

import logging
from collections.abc import Sequence
from typing import Final

from notify.domain.catalogue import Catalogue
from notify.domain.errors import VaultError
from notify.domain.ledger import PAUSE_END
from notify.domain.suppressions import PAUSE, Suppressed
from notify.ports import Clock
from notify.store import Store
from notify.usecases.preferences.holding import held_holders
from notify.usecases.preferences.recording_bars import coming, record_difference
from notify.usecases.preferences.recording_choices import Occasion

_log = logging.getLogger(__name__)
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
        while over := self._over():
            try:
                ended += self._end(over)
            except VaultError:
                ended += sum(self._end_apart(one) for one in over)
        return ended

    def _over(self) -> Sequence[Suppressed]:
        with self._store.read() as tx:
            return tx.suppressions.over(self._clock(), _AT_ONCE)

    def _end(self, over: Sequence[Suppressed]) -> int:
        """End some, and tell the ledger; VaultError if somebody who has such an address cannot be read."""
        now = self._clock()
        paused = {(one.channel, one.address_hash) for one in over if one.reason == PAUSE}
        with self._store.write() as tx:
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

    def _end_apart(self, one: Suppressed) -> int:
        """End one, without a word to the ledger where whoever has the address cannot be read."""
        try:
            return self._end([one])
        except VaultError as error:
            _log.error("a pause ends without entries: %s", error)
        with self._store.write() as tx:
            return tx.suppressions.end([one.number], self._clock())
