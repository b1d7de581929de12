"""Cancel what has not left."""

from notify.domain import ids
from notify.domain.views import NotificationView
from notify.ports import Clock
from notify.store import Store
from notify.usecases.lookups import Lookups


class CancelNotification:
    """Cancels the messages of a notification that no provider was called for yet."""

    def __init__(self, store: Store, lookups: Lookups, clock: Clock) -> None:
        self._store = store
        self._lookups = lookups
        self._clock = clock

    def __call__(self, notification_id: str) -> NotificationView:
        """Cancel and return what became of it. NotFoundError."""
        number = ids.number_of(ids.NOTIFICATION, notification_id)
        with self._store.write() as tx:
            tx.notifications.cancel(number, self._clock())
        return self._lookups.notification(notification_id)
