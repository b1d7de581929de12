"""Accept notifications: durable once it returns."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, cast

from notify.domain import ids
from notify.domain.catalogue import Channel, Purpose
from notify.domain.consent import Basis, Standing
from notify.domain.delivery import (
    Closed,
    MessageDraft,
    NotificationDraft,
    StoredNotification,
    StoredRecipient,
)
from notify.domain.eligibility import Policy
from notify.domain.errors import ConflictError, FieldProblem, InvalidRequestError, UnavailableError
from notify.domain.recipients import ProfilePatch
from notify.domain.requests import Idempotency, Lane, NotificationRequest, Routing
from notify.domain.status import Reason, Status, overall
from notify.domain.times import rfc3339, rfc3339_or_none
from notify.domain.views import MessageSummary, NotificationView
from notify.ports import Clock, Telemetry, WakeUps
from notify.store import Store, Transaction
from notify.usecases.notifications.checking_requests import Order, RequestCheck
from notify.usecases.preferences.recording_choices import record_acceptances

_TRIES: Final = 10

Result = NotificationView | InvalidRequestError


class AcceptNotifications:
    """Accepts a batch of notifications in one transaction, then rings their lane."""

    def __init__(
        self,
        *,
        store: Store,
        check: RequestCheck,
        policy: Policy,
        wake_ups: WakeUps,
        telemetry: Telemetry,
        clock: Clock,
    ) -> None:
        self._store = store
        self._check = check
        self._policy = policy
        self._wake_ups = wake_ups
        self._telemetry = telemetry
        self._clock = clock

    def __call__(
        self,
        requests: Sequence[NotificationRequest | InvalidRequestError],
        *,
        lane: Lane,
        idempotency: Idempotency | None = None,
        test: bool = False,
    ) -> list[Result]:
        """Accept each request; one that is refused leaves the rest alone. Results are in order.

        An item that already failed while it was parsed is passed in as its error, so that it keeps its place.
        `test`: everything is done for real, but the messages end in the outbox.
        With `idempotency`, a repeated call returns the first call's results and does nothing.
        A call of which nothing is accepted leaves its key free. Raises IdempotencyMismatchError,
        IdempotencyInProgressError.
        """
        now = self._clock()
        checked = self._check(requests, now)
        orders = [one for one in checked if isinstance(one, Order)]
        if not orders:  # it may still be the repetition of a call whose times have passed since
            return self._saved_before(idempotency) or [
                one for one in checked if isinstance(one, InvalidRequestError)
            ]
        for _ in range(_TRIES):
            try:
                return self._accept(checked, orders, lane, idempotency, now, test=test)
            except ConflictError:  # somebody was made meanwhile: anew, to lock them in order with all
                continue
        raise UnavailableError("others make the same recipients again and again")

    def _accept(
        self,
        checked: Sequence[Order | InvalidRequestError],
        orders: Sequence[Order],
        lane: Lane,
        idempotency: Idempotency | None,
        now: datetime,
        *,
        test: bool,
    ) -> list[Result]:
        """Store what was checked, in one transaction, and ring."""
        with self._store.write() as tx:
            if idempotency:
                people = {one.request.recipient.id for one in orders}
                saved = tx.notifications.begin_idempotent(idempotency.key, idempotency.request, now, people)
                if saved is not None:
                    return [_restored(result) for result in saved]
            drafts = self._drafts(tx, orders, lane, now, test=test)
            stored = tx.notifications.add(drafts)
            closed = self._supersede(tx, orders, drafts, stored, now, test=test)
            superseded = {one.message_id for one in closed}
            tx.outbound.moved(dict.fromkeys(superseded | _skipped(drafts, stored), Status.SKIPPED), now)
            views = iter([_view(*each, superseded, now) for each in zip(orders, drafts, stored, strict=True)])
            results = [next(views) if isinstance(one, Order) else one for one in checked]
            if idempotency:
                tx.notifications.save_results(idempotency.key, [_saved(result) for result in results])
        self._ring(drafts, stored, now)
        self._count(orders, drafts, closed)
        return results

    def _saved_before(self, idempotency: Idempotency | None) -> list[Result] | None:
        if idempotency is None:
            return None
        with self._store.read() as tx:
            saved = tx.notifications.saved_results(idempotency.key, idempotency.request)
        return [_restored(result) for result in saved] if saved else None

    def _drafts(
        self, tx: Transaction, orders: Sequence[Order], lane: Lane, now: datetime, *, test: bool
    ) -> list[NotificationDraft]:
        """Merge the recipients, judge every channel, and write down what is to be stored."""
        given: dict[str, tuple[ProfilePatch, str | None]] = {}
        for order in orders:
            recipient_id = order.request.recipient.id
            earlier = given.get(recipient_id)
            given[recipient_id] = _joined(earlier, order) if earlier else (order.patch, order.phone_country)
        recipients = tx.recipients.upsert(given, now)
        accepted = [
            (recipients[order.request.recipient.id], order.request.recipient.consent) for order in orders
        ]
        recipients |= {one.external_id: one for one in record_acceptances(tx, accepted, now)}
        keys = [
            (recipients[order.request.recipient.id], order.topic.number, channel)
            for order in orders
            for channel in order.channels
        ]
        standings = iter(tx.consents.first_standings(keys))
        drafts = []
        for order in orders:
            recipient = recipients[order.request.recipient.id]
            known = {channel: next(standings) for channel in order.channels}
            drafts.append(self._draft(order, recipient, known, lane, now, test=test))
        return drafts

    def _draft(
        self,
        order: Order,
        recipient: StoredRecipient,
        standings: dict[Channel, Standing],
        lane: Lane,
        now: datetime,
        *,
        test: bool,
    ) -> NotificationDraft:
        request = order.request
        due_at = max(request.send_at or now, now)
        expires_at = request.expires_at
        if order.info.expires_after:
            latest = due_at + order.info.expires_after
            expires_at = min(expires_at, latest) if expires_at else latest
        return NotificationDraft(
            recipient_id=recipient.id,
            template=request.template,
            data=request.data,
            channels=order.channels,
            routing=request.routing,
            lane=Lane.NORMAL if order.topic.purpose is Purpose.MARKETING else lane,
            created_at=now,
            due_at=due_at,
            send_at=request.send_at,
            expires_at=expires_at,
            reference=request.reference,
            test=test,
            messages=self._messages(order, recipient, standings, waits=due_at > now),
        )

    def _messages(
        self, order: Order, recipient: StoredRecipient, standings: dict[Channel, Standing], *, waits: bool
    ) -> list[MessageDraft]:
        """Draft a message for each channel; with `fallback`, up to the first that may go."""
        messages = []
        for channel in order.channels:
            profile = recipient.profile
            found = self._policy.verdict(
                order.topic.number, channel, profile.phone_country, standings[channel]
            )
            may_go = isinstance(found, Basis)
            status = (Status.SCHEDULED if waits else Status.QUEUED) if may_go else Status.SKIPPED
            reason = None if isinstance(found, Basis) else found
            address = recipient.hashes.get(channel)
            basis = (found.regime, found.consent_id) if isinstance(found, Basis) else (None, None)
            messages.append(
                MessageDraft(channel, order.topic.number, profile.language, status, reason, address, *basis)
            )
            if may_go and order.request.routing is Routing.FALLBACK:
                break
        return messages

    def _supersede(
        self,
        tx: Transaction,
        orders: Sequence[Order],
        drafts: Sequence[NotificationDraft],
        stored: Sequence[StoredNotification],
        now: datetime,
        *,
        test: bool,
    ) -> list[Closed]:
        """Drop what waits of earlier notifications that these ones make senseless; return it."""
        closed: list[Closed] = []
        for order, draft, one in zip(orders, drafts, stored, strict=True):
            if draft.reference and order.info.supersedes:
                closed += tx.notifications.supersede(
                    one.id, draft.recipient_id, draft.reference, order.info.supersedes, now, test=test
                )
        return closed

    def _ring(
        self, drafts: Sequence[NotificationDraft], stored: Sequence[StoredNotification], now: datetime
    ) -> None:
        """Wake each lane once for all that is due."""
        due: dict[Lane, list[int]] = {}
        for draft, one in zip(drafts, stored, strict=True):
            if draft.due_at <= now:
                due.setdefault(draft.lane, []).extend(one.dispatch_ids)
        for lane, dispatch_ids in due.items():
            if dispatch_ids:
                self._wake_ups.ring(lane, dispatch_ids)

    def _count(
        self, orders: Sequence[Order], drafts: Sequence[NotificationDraft], closed: Sequence[Closed]
    ) -> None:
        for one in closed:
            name = self._policy.catalogue.name_of(one.topic) or ""
            self._telemetry.settled(name, one.channel, "", Status.SKIPPED, Reason.SUPERSEDED)
        for order, draft in zip(orders, drafts, strict=True):
            for message in draft.messages:
                self._telemetry.accepted(order.topic.name, message.channel)
                if message.reason:
                    self._telemetry.settled(
                        order.topic.name, message.channel, "", Status.SKIPPED, message.reason
                    )


def _skipped(drafts: Sequence[NotificationDraft], stored: Sequence[StoredNotification]) -> set[int]:
    """Return the messages that were skipped from the start."""
    return {
        number
        for draft, one in zip(drafts, stored, strict=True)
        for number, message in zip(one.message_ids, draft.messages, strict=True)
        if message.reason
    }


def _joined(earlier: tuple[ProfilePatch, str | None], order: Order) -> tuple[ProfilePatch, str | None]:
    """Join two patches of one recipient in a batch; the later one wins field by field."""
    patch, phone_country = earlier
    attributes = {**patch.get("attributes", {}), **order.patch.get("attributes", {})}
    joined: ProfilePatch = {**patch, **order.patch}
    if attributes:
        joined["attributes"] = attributes
    return joined, order.phone_country if "phone" in order.patch else phone_country


def _view(
    order: Order,
    draft: NotificationDraft,
    stored: StoredNotification,
    superseded: Collection[int],
    now: datetime,
) -> NotificationView:
    messages: list[MessageSummary] = []
    for number, message in zip(stored.message_ids, draft.messages, strict=True):
        gone = number in superseded  # by a later one of the same batch
        messages.append(
            {
                "id": ids.public(ids.MESSAGE, number),
                "channel": message.channel,
                "status": Status.SKIPPED if gone else message.status,
                "reason": Reason.SUPERSEDED if gone else message.reason,
            }
        )
    return {
        "id": ids.public(ids.NOTIFICATION, stored.id),
        "status": overall([Status(message["status"]) for message in messages]),
        "template": draft.template,
        "reference": draft.reference,
        "recipient_id": order.request.recipient.id,
        "created_at": rfc3339(now),
        "send_at": rfc3339_or_none(draft.send_at),
        "expires_at": rfc3339_or_none(draft.expires_at),
        "messages": messages,
    }


def _saved(result: Result) -> dict[str, Any]:
    """Write a result down, for the next call with the same key."""
    if isinstance(result, InvalidRequestError):
        return {"problems": [[one.pointer, one.detail] for one in result.problems]}
    return {"view": result}


def _restored(saved: dict[str, Any]) -> Result:
    if "problems" in saved:
        return InvalidRequestError([FieldProblem(*one) for one in saved["problems"]])
    return cast("NotificationView", saved["view"])
