"""Find what lost its wake-up or its worker, and set it going again."""

from dataclasses import dataclass

from notify.ports import Clock, WakeUps
from notify.store import Store


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a round found: claims put back, calls ended as unknown, lanes that were woken."""

    returned: int
    unknown: int
    woken: int


class Reconcile:
    """Recovers lapsed leases and rings every lane in which something is due; cheap when idle."""

    def __init__(self, store: Store, wake_ups: WakeUps, clock: Clock) -> None:
        self._store = store
        self._wake_ups = wake_ups
        self._clock = clock

    def __call__(self) -> Reconciled:
        """Run one round."""
        now = self._clock()
        with self._store.write() as tx:
            returned, unknown = tx.deliveries.recover(now)
            lanes = tx.deliveries.lanes_due(now)
            tx.deliveries.beat("reconcile", now)
        woken = sum(self._wake_ups.ring(lane, ()) for lane in lanes)
        return Reconciled(returned, unknown, woken)
