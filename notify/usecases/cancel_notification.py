"""Cancel what has not left."""

from notify.domain.views import NotificationView


class CancelNotification:
    """Cancels the messages of a notification that no provider was called for yet."""

    def __call__(self, notification_id: str) -> NotificationView:
        """Cancel and return what became of it. NotFoundError."""
        raise NotImplementedError
