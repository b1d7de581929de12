"""Accept notifications: durable once it returns."""

from collections.abc import Sequence

from notify.domain.errors import InvalidRequestError
from notify.domain.requests import Idempotency, Lane, NotificationRequest
from notify.domain.views import NotificationView


class AcceptNotifications:
    """Accepts a batch of notifications in one transaction, then rings their lane."""

    def __call__(
        self,
        requests: Sequence[NotificationRequest | InvalidRequestError],
        *,
        lane: Lane,
        idempotency: Idempotency | None = None,
        test: bool = False,
    ) -> list[NotificationView | InvalidRequestError]:
        """Accept each request; one that is refused leaves the rest alone. Results are in order.

        An item that already failed while it was parsed is passed in as its error, so that it keeps its place.
        `test`: everything is done for real, but the messages end in the outbox.
        With `idempotency`, a repeated call returns the first call's results and does nothing.
        Raises IdempotencyMismatchError, IdempotencyInProgressError.
        """
        raise NotImplementedError
