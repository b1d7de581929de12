"""Messages of the service's own: one message to one person, on the topic `confirmations`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from notify.domain.catalogue import CONFIRMATIONS, Channel
from notify.domain.consent import Basis
from notify.domain.delivery import MessageDraft, NotificationDraft, StoredRecipient
from notify.domain.requests import Lane, Routing
from notify.domain.status import Reason, Status


@dataclass(frozen=True, slots=True)
class OwnMessage:
    """What is to be written, how urgently, and until when it makes sense."""

    template: str
    data: Mapping[str, Any]
    channel: Channel
    locale: str
    lane: Lane
    created_at: datetime
    expires_at: datetime
    reference: str | None = None

    def draft(self, recipient: StoredRecipient, verdict: Basis | Reason) -> NotificationDraft:
        """Return what is stored of it: an ordinary notification, skipped where the verdict says so."""
        basis = verdict if isinstance(verdict, Basis) else None
        message = MessageDraft(
            self.channel,
            CONFIRMATIONS.number,
            self.locale,
            Status.QUEUED if basis else Status.SKIPPED,
            verdict if isinstance(verdict, Reason) else None,
            recipient.hashes.get(self.channel),
            basis.regime if basis else None,
            basis.consent_id if basis else None,
        )
        return NotificationDraft(
            recipient_id=recipient.id,
            template=self.template,
            data=self.data,
            channels=(self.channel,),
            routing=Routing.ALL,
            lane=self.lane,
            created_at=self.created_at,
            due_at=self.created_at,
            send_at=None,
            expires_at=self.expires_at,
            reference=self.reference,
            test=False,
            messages=[message],
        )
