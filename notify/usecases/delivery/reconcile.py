"""Find what lost its wake-up or its worker, and set it going again."""

from collections.abc import Sequence
from dataclasses import dataclass

from notify.domain.delivery import Hopeless
from notify.domain.event_moves import Routed
from notify.domain.status import Status
from notify.ports import Clock, WakeUps
from notify.store import Store, Transaction


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
            routes = _hold_routes(tx, hopeless)
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


def _hold_routes(tx: Transaction, hopeless: Sequence[Hopeless]) -> dict[int, Routed]:
    """Lock the notifications that need their next channel, and those they are for; dispatches come after.

    What was cancelled or superseded meanwhile gets none.
    """
    routes = tx.events.routes({one.notification_id for one in hopeless}) if hopeless else {}
    if not routes:
        return {}
    tx.recipients.keep_from_erasure({one.recipient_id for one in hopeless if one.notification_id in routes})
    closed = tx.notifications.lock(routes)
    return {number: route for number, route in routes.items() if number in closed and not closed[number]}
