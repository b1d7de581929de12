"""Mail the head of the ledger's chain to whoever watches over data protection, once a day."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from notify.domain.catalogue import CONFIRMATIONS, Channel
from notify.domain.consent import Basis
from notify.domain.delivery import StoredRecipient
from notify.domain.eligibility import Policy
from notify.domain.errors import IdempotencyInProgressError
from notify.domain.own_messages import OwnMessage
from notify.domain.recipients import ProfilePatch
from notify.domain.requests import Lane
from notify.domain.status import Reason
from notify.ports import Clock, WakeUps
from notify.store import Store, Transaction

TEMPLATE: Final = "ledger_head"
OFFICER: Final = "ledger-officer"
"""The recipient that is kept for it; its language and the rest of its profile can be set as anybody's."""

_NOT_BEFORE: Final = time(6)
_LASTS: Final = timedelta(days=3)


class MailLedgerHead:
    """Sends an ordinary notification through the one door, the first time it runs after 06:00 UTC."""

    def __init__(
        self, *, store: Store, policy: Policy, wake_ups: WakeUps, clock: Clock, address: str
    ) -> None:
        """`address` is as `Contacts.email` writes it."""
        self._store = store
        self._policy = policy
        self._wake_ups = wake_ups
        self._clock = clock
        self._address = address
        self._done: date | None = None

    def __call__(self) -> bool:
        """Send what is due, once a day however many schedulers there are; return whether it was sent now."""
        now = self._clock().astimezone(UTC)
        if now.time() < _NOT_BEFORE or self._done == now.date():
            return False
        try:
            with self._store.write() as tx:
                dispatches = self._send(tx, now)
        except IdempotencyInProgressError:
            return False
        if dispatches is None:
            return False
        self._done = now.date()
        if dispatches:
            self._wake_ups.ring(Lane.NORMAL, dispatches)
        return bool(dispatches)

    def _send(self, tx: Transaction, now: datetime) -> list[int] | None:
        """Return the dispatches to wake a worker for, none if it was sent today; None without a head."""
        key = f"ledger head · {now.date()}"  # no caller's key has such a dot
        if tx.notifications.begin_idempotent(key, TEMPLATE.encode(), now, [OFFICER]) is not None:
            return []
        chain = tx.audit.chain()
        if chain is None:
            return None
        patch: ProfilePatch = {"email": self._address}
        officer = tx.recipients.upsert({OFFICER: (patch, None)}, now)[OFFICER]
        data = {
            "day": str(now.date()),
            "head": chain.head,
            "entries": chain.entries,
            "seals": chain.seals,
        }
        message = OwnMessage(
            TEMPLATE,
            data,
            Channel.EMAIL,
            officer.profile.language,
            Lane.NORMAL,
            now,
            now + _LASTS,
            reference=f"ledger-head-{now.date()}",
        )
        (stored,) = tx.notifications.add([message.draft(officer, self._verdict(tx, officer))])
        tx.notifications.save_results(key, [stored.id])
        return list(stored.dispatch_ids)

    def _verdict(self, tx: Transaction, officer: StoredRecipient) -> Basis | Reason:
        (standing,) = tx.consents.standings([(officer, CONFIRMATIONS.number, Channel.EMAIL)])
        return self._policy.verdict(CONFIRMATIONS.number, Channel.EMAIL, None, standing)
