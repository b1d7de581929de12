"""Erase a person (GDPR art. 17)."""

from datetime import datetime

from notify.domain.catalogue import Channel
from notify.domain.delivery import StoredRecipient
from notify.domain.errands import SENDGRID_ERASURE
from notify.domain.errors import NotFoundError
from notify.domain.outbound import RECIPIENT_ERASED, OutboundEvent
from notify.ports import Clock
from notify.store import Store, Transaction


class EraseRecipient:
    """Takes everything held on a person but the keyed hashes that keep the addresses from marketing.

    What SendGrid keeps of them is erased by an errand.
    """

    def __init__(self, store: Store, clock: Clock, *, at_sendgrid: bool) -> None:
        """`at_sendgrid`: whether SendGrid is set up, and has to forget people too."""
        self._store = store
        self._clock = clock
        self._at_sendgrid = at_sendgrid

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
            self.erase(tx, current, self._clock())

    def erase(self, tx: Transaction, recipient: StoredRecipient, now: datetime) -> None:
        """Erase somebody who is locked, and from whom gates are held off."""
        tx.erasure.erase(recipient, now)
        address = recipient.profile.address(Channel.EMAIL)
        if address and self._at_sendgrid:
            tx.errands.add(SENDGRID_ERASURE, {"addresses": [address]}, now)
        tx.outbound.forget(recipient.external_id)
        erased = OutboundEvent(RECIPIENT_ERASED, now, {"recipient_id": recipient.external_id})
        tx.outbound.add([erased], now)
