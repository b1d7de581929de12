"""What callers asked for, as the use cases need it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Protocol

from notify.domain.catalogue import Channel
from notify.domain.delivery import (
    Closed,
    NotificationDraft,
    SentTo,
    StoredNotification,
)
from notify.domain.event_moves import Routed
from notify.domain.requests import Lane
from notify.domain.status import Status
from notify.domain.token_claims import OptOutClaim


class Notifications(Protocol):
    """What callers asked for."""

    def begin_idempotent(
        self, key: str, request: bytes, now: datetime, recipients: Collection[str] = ()
    ) -> list[Any] | None:
        """Claim a key for this transaction; return the saved results if it was used before.

        If it was not, `recipients` (external ids) may be locked in the same look, for an upsert to come.
        IdempotencyMismatchError, IdempotencyInProgressError.
        """
        ...

    def saved_results(self, key: str, request: bytes) -> list[Any] | None:
        """Return what was saved with a key, if anything. IdempotencyMismatchError."""
        ...

    def save_results(self, key: str, results: list[Any]) -> None:
        """Save the answer with the key."""
        ...

    def drop_keys_before(self, at: datetime) -> int:
        """Delete idempotency keys older than `at`; return how many."""
        ...

    def add(self, drafts: Sequence[NotificationDraft]) -> list[StoredNotification]:
        """Insert notifications, their messages and the dispatches of those that may go; in order."""
        ...

    def add_message(self, after: int, channel: Channel, lane: Lane, now: datetime) -> int:
        """Give the notification of message `after` its next channel's, due now; return its dispatch."""
        ...

    def supersede(
        self,
        notification_id: int,
        recipient_id: int,
        reference: str,
        templates: Collection[str],
        now: datetime,
        *,
        test: bool,
    ) -> list[Closed]:
        """Skip what waits of earlier notifications with this reference and one of these templates.

        Of those of test keys, if it is a `test`, else of those in earnest.
        """
        ...

    def routes(self, notification_ids: Collection[int]) -> dict[int, Routed]:
        """Return how those with `fallback` routing go on that are not closed; nothing is locked yet."""
        ...

    def lock(self, notification_ids: Collection[int]) -> dict[int, Status | None]:
        """Lock notifications; return those that are still there, and as what they were closed."""
        ...

    def sent_to(self, message_id: int) -> SentTo | None:
        """Return in what language, and to which address, a message went; None if it is gone."""
        ...

    def newest_to(
        self, recipient_ids: Collection[int], channel: Channel, address_hash: bytes
    ) -> OptOutClaim | None:
        """Return what the link in the newest message of these people to an address says; None without any."""
        ...

    def cancel(self, notification_id: int, now: datetime) -> list[Closed]:
        """Cancel the messages that no provider was called for. NotFoundError."""
        ...
