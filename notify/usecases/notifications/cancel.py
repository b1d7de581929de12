"""Cancel what has not left."""

from notify.domain import ids
from notify.domain.catalogue import Catalogue
from notify.domain.status import Status
from notify.domain.views import NotificationView
from notify.ports import Clock, Telemetry
from notify.store import Store
from notify.store.lookups import Lookups


class CancelNotification:
    """Cancels the messages of a notification that no provider was called for yet."""

    def __init__(
        self, store: Store, lookups: Lookups, catalogue: Catalogue, telemetry: Telemetry, clock: Clock
    ) -> None:
        self._store = store
        self._lookups = lookups
        self._catalogue = catalogue
        self._telemetry = telemetry
        self._clock = clock

    def __call__(self, notification_id: str) -> NotificationView:
        """Cancel and return what became of it. NotFoundError."""
        number = ids.number_of(ids.NOTIFICATION, notification_id)
        with self._store.write() as tx:
            now = self._clock()
            closed = tx.notifications.cancel(number, now)
            tx.outbound.moved({one.message_id: Status.CANCELLED for one in closed}, now)
        for one in closed:
            name = self._catalogue.name_of(one.topic) or ""
            self._telemetry.settled(name, one.channel, "", Status.CANCELLED, "")
        return self._lookups.notification(notification_id)
