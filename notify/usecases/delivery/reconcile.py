"""Find what lost its wake-up or its worker, and set it going again."""

from dataclasses import dataclass

from notify.domain.status import Status
from notify.ports import Clock, WakeUps
from notify.store import Store
from notify.usecases.notifications.next_channels import hold_routes


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a round found: claims put back, calls ended as unknown, dispatches given up, lanes woken."""

    returned: int
    unknown: int
    given_up: int
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
            hopeless = tx.deliveries.hopeless(now)
            routes = hold_routes(tx, {one.notification_id: one.recipient_id for one in hopeless})
            found = tx.deliveries.recover(now)
            tx.outbound.dispatches_moved(found.lost, Status.UNKNOWN, now)
            tx.outbound.dispatches_moved(found.given_up, Status.FAILED, now)
            for one in hopeless:
                route = routes.get(one.notification_id)
                following = route.after(one.channel, now) if route else None
                if following and one.dispatch_id in found.given_up:
                    tx.notifications.add_message(one.message_id, following, one.lane, now)
            lanes = tx.deliveries.lanes_due(now)
            tx.deliveries.beat("reconcile", now)
        woken = sum(self._wake_ups.ring(lane, ()) for lane in lanes)
        return Reconciled(found.returned, found.unknown, len(found.given_up), woken)
