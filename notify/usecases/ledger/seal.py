"""Close the ledger's new entries as links of its chain, as soon as none before them can still come."""

import time
from collections.abc import Callable
from typing import Final

from notify.domain.seals import Horizon
from notify.ports import Clock
from notify.store import Store

ENTRIES_A_SEAL: Final = 1_000
_SEALS_A_ROUND: Final = 8
"""What a large import leaves is sealed in minutes, beside a campaign that wants the same processor."""

_LOOKS: Final = 5
_PAUSE_SECONDS: Final = 0.02


class SealLedger:
    """Seals what is final. No writer waits for it, and two at once are harmless.

    An entry has its number before it is committed, and a later one may be committed sooner. So it looks how
    far numbers were given out and who writes at that moment: once these are done, nothing is missing so far.
    """

    def __init__(self, store: Store, clock: Clock, pause: Callable[[float], None] = time.sleep) -> None:
        self._store = store
        self._clock = clock
        self._pause = pause
        self._awaited: Horizon | None = None

    def __call__(self) -> int:
        """Run one round; return how many entries were sealed."""
        upto = self._final()
        if upto is None:
            return 0
        sealed = 0
        for _ in range(_SEALS_A_ROUND):
            with self._store.write() as tx:
                count = tx.ledger.seal(upto, self._clock(), ENTRIES_A_SEAL)
            sealed += count
            if count < ENTRIES_A_SEAL:
                break
        return sealed

    def _final(self) -> int | None:
        """Return up to which number nothing can come any more; None if that is still to be waited for.

        What is waited for is kept until the next round: where somebody always writes, no moment without
        writers would ever come.
        """
        for look in range(_LOOKS):
            if look:
                self._pause(_PAUSE_SECONDS)
            with self._store.read() as tx:
                seen = tx.ledger.horizon()
            if seen is None:
                self._awaited = None
                return None
            awaited = self._awaited or seen
            if not awaited.writers & seen.writers:
                self._awaited = None
                return awaited.last
            self._awaited = awaited
        return None
