"""Hand the ledger's sealed changes of preferences to those who follow it, each at its own pace."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from notify.domain.errors import UnavailableError
from notify.domain.ledger import SealedEntry
from notify.ports import Clock
from notify.store import Store, Transaction

_log: Final = logging.getLogger(__name__)

_BATCH: Final = 500
_ROUND_SECONDS: Final = 1.0
"""How long a follower that is far behind is fed in one round: the others and the sealing want their turns."""

Follower = Callable[[Transaction, Sequence[SealedEntry], datetime], None]
"""Deals with entries, in the transaction that notes them as dealt with; calls nobody outside the database."""


class FollowLedger:
    """The feed of changes: every sealed entry about a topic, in order, at least once, to each follower.

    A follower that is new starts with the first entry there is, unless the migration that brings it puts its
    cursor elsewhere. One that fails is logged, tries the same entries again, and holds up no other.
    """

    def __init__(self, store: Store, followers: Mapping[str, Follower], clock: Clock) -> None:
        self._store = store
        self._followers = followers
        self._clock = clock

    def __call__(self) -> int:
        """Run one round; return how many entries were handed out, each follower's counted."""
        if not self._followers:
            return 0
        with self._store.read() as tx:
            behind = tx.ledger.behind(self._followers)
        return sum(self._feed(name) for name in behind)

    def _feed(self, name: str) -> int:
        handed = 0
        try:
            until = time.monotonic() + _ROUND_SECONDS
            while time.monotonic() < until:
                count = self._hand_over(name)
                handed += count
                if count < _BATCH:
                    break
        except UnavailableError:
            raise
        except Exception:  # noqa: BLE001 - the other followers must go on
            _log.exception("follower of the ledger failed", extra={"follower": name})
        return handed

    def _hand_over(self, name: str) -> int:
        with self._store.write() as tx:
            position = tx.ledger.position(name)
            if position is None:
                return 0
            entries, upto = tx.ledger.changes_after(position, _BATCH)
            if entries:
                self._followers[name](tx, entries, self._clock())
            if upto > position:
                tx.ledger.move(name, upto)
        return len(entries)
