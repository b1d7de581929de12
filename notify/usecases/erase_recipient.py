"""Erase a person (GDPR art. 17)."""

from notify.domain.errors import NotFoundError
from notify.ports import Clock
from notify.store import Store


class EraseRecipient:
    """Takes everything held on a person but the keyed hashes that keep the addresses from marketing."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def __call__(self, recipient_id: str) -> None:
        """Erase. NotFoundError."""
        with self._store.write() as tx:
            recipient = tx.recipients.by_external_id(recipient_id)
            if recipient is None:
                raise NotFoundError("no recipient of that id")
            tx.consents.lock_out_gates([recipient.id], recipient.hashes.values())
            current = tx.recipients.by_external_id(recipient_id, lock=True)
            if current is None:
                raise NotFoundError("no recipient of that id")
            tx.erasure.erase(current, self._clock())
