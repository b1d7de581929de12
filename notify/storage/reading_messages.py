"""Notifications and messages as callers see them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, case, func, or_, select

from notify.domain import ids
from notify.domain.catalogue import Catalogue, Channel, Purpose
from notify.domain.doubts import WINDOW
from notify.domain.explain import MessageFacts, explain
from notify.domain.status import Reason, Status, overall
from notify.domain.times import rfc3339, rfc3339_or_none
from notify.domain.views import AttemptView, EventView, MessageSummary, MessageView, NotificationView
from notify.ports import Vault
from notify.storage.barred_messages import BarredBy, barred_by
from notify.storage.campaign_tables import Campaign
from notify.storage.event_views import events_of
from notify.storage.left_topics import LeftBy, left_by
from notify.storage.recipients import SEALED
from notify.storage.statuses import APART, effective_status
from notify.storage.tables import Attempt, Dispatch, Message, Notification, Recipient


def _reason(now: datetime) -> ColumnElement[str | None]:
    """Return why a message is as it is: the reason of one that is held back goes when its time has come."""
    held = Dispatch.status.is_(None) & Dispatch.started_at.is_(None) & (Dispatch.planned_at > now)
    return case((APART | held, Message.reason)).label("reason")


def notification_rows(now: datetime, status: str | None) -> Select[Any]:
    """Select notifications with their recipient's id; `status` keeps those with a message in it."""
    query = select(Notification.__table__, Recipient.external_id).join(
        Recipient, Recipient.id == Notification.recipient_id
    )
    if status is None:
        return query
    of_status = (
        select(Message.id)
        .outerjoin(Dispatch, Dispatch.id == Message.dispatch_id)
        .where(Message.notification_id == Notification.id, effective_status(now) == status)
    )
    return query.where(of_status.exists())


def notification_views(
    connection: Connection, rows: Sequence[Row[Any]], now: datetime
) -> list[NotificationView]:
    """Return rows of `notification_rows` with the state of their messages."""
    messages: dict[int, list[MessageSummary]] = {}
    for row in connection.execute(
        select(
            Message.id,
            Message.notification_id,
            Message.channel,
            _reason(now),
            effective_status(now).label("now_status"),
        )
        .outerjoin(Dispatch, Dispatch.id == Message.dispatch_id)
        .where(Message.notification_id.in_([row.id for row in rows]))
        .order_by(Message.id)
    ):
        messages.setdefault(row.notification_id, []).append(
            {
                "id": ids.public(ids.MESSAGE, row.id),
                "channel": row.channel,
                "status": row.now_status,
                "reason": row.reason,
            }
        )
    return [_notification_view(row, messages.get(row.id, [])) for row in rows]


def _notification_view(row: Row[Any], messages: list[MessageSummary]) -> NotificationView:
    return {
        "id": ids.public(ids.NOTIFICATION, row.id),
        "status": overall([Status(message["status"]) for message in messages]),
        "template": row.template,
        "reference": row.reference,
        "recipient_id": row.external_id,
        "created_at": rfc3339(row.created_at),
        "send_at": rfc3339_or_none(row.send_at),
        "expires_at": rfc3339_or_none(row.expires_at),
        "messages": messages,
    }


_HANDED_OVER: Final = frozenset({"accepted", "unknown"})
_DROPPED: Final = frozenset({Status.SKIPPED, Status.CANCELLED, Status.EXPIRED})

_SHARED: Final = frozenset({"reason", "detail", "provider", "provider_message_id"})
"""Columns in which a message and its dispatch together tell."""


def message_rows(now: datetime) -> Select[Any]:
    """Select messages with all that their views tell."""
    return (
        select(
            *(column for column in Message.__table__.c if column.name not in _SHARED),
            _reason(now),
            effective_status(now).label("now_status"),
            case((APART, Message.detail), else_=Dispatch.detail).label("detail"),
            func.coalesce(Message.provider, case((~APART, Dispatch.provider))).label("provider"),
            func.coalesce(Message.provider_message_id, Dispatch.provider_message_id).label(
                "provider_message_id"
            ),
            case((~APART, Dispatch.settled_at)).label("settled_at"),
            (Dispatch.settled_at <= now - WINDOW).label("silent"),
            Recipient.external_id,
            Recipient.name_sealed,
            func.coalesce(Notification.template, Campaign.template).label("template"),
            func.coalesce(Notification.expires_at, Campaign.expires_at).label("expires_at"),
            func.coalesce(Notification.test, Campaign.test).label("test"),
            Dispatch.due_at,
            Dispatch.planned_at,
            (Dispatch.phase == "waiting").label("waits"),
        )
        .outerjoin(Recipient, Recipient.id == Message.recipient_id)
        .outerjoin(Notification, Notification.id == Message.notification_id)
        .outerjoin(Campaign, Campaign.id == Message.campaign_id)
        .outerjoin(Dispatch, Dispatch.id == Message.dispatch_id)
        .where(Recipient.id.is_not(None) | Message.to_sealed.is_not(None))
    )


class MessageReader:
    """Turns rows of `message_rows` into views, each with its attempts and its explanation."""

    def __init__(self, connection: Connection, vault: Vault, catalogue: Catalogue) -> None:
        self._connection = connection
        self._vault = vault
        self._catalogue = catalogue

    def views(self, rows: Sequence[Row[Any]], locale: str) -> list[MessageView]:
        """Return the views, in order."""
        attempts = self._attempts(rows)
        marketing = {topic.number for topic in self._catalogue if topic.purpose is Purpose.MARKETING}
        left = left_by(self._connection, rows)
        barred = barred_by(self._connection, rows, marketing)
        events = events_of(self._connection, [row.id for row in rows])
        found = []
        for row in rows:
            tried = attempts.get(row.id, [])
            facts = self._facts(row, tried, left.get(row.id), barred.get(row.id))
            found.append(_message_view(row, facts, tried, events.get(row.id, []), explain(facts, locale)))
        return found

    def _attempts(self, rows: Sequence[Row[Any]]) -> dict[int, list[AttemptView]]:
        """Return each message's attempts: its own, and those of all of its dispatch that reached it."""
        found: dict[int, list[AttemptView]] = {}
        sharing: dict[int, list[Row[Any]]] = {}
        for row in rows:
            if row.dispatch_id:
                sharing.setdefault(row.dispatch_id, []).append(row)
        of_all = Attempt.dispatch_id.in_(sharing) & Attempt.message_id.is_(None)
        own = Attempt.message_id.in_([row.id for row in rows])
        query = select(Attempt.__table__).where(or_(own, of_all)).order_by(Attempt.id)
        made = self._connection.execute(query).all()
        apart = {(row.message_id, row.at) for row in made if row.message_id}
        for row in made:
            view: AttemptView = {
                "at": rfc3339(row.at),
                "provider": row.provider,
                "outcome": row.outcome,
                "detail": row.detail,
                "duration_ms": row.duration_ms,
            }
            # Not of one whose outcome in that call was another, nor of who was dropped before the last call.
            shared = (
                one.id
                for one in sharing.get(row.dispatch_id, ())
                if (one.id, row.at) not in apart
                and (one.now_status not in _DROPPED or row.outcome == "transient")
            )
            for number in [row.message_id] if row.message_id else shared:
                found.setdefault(number, []).append(view)
        return found

    def _facts(
        self, row: Row[Any], attempts: list[AttemptView], left: LeftBy | None, barred: BarredBy | None
    ) -> MessageFacts:
        status = Status(row.now_status)
        retried = status is Status.SENDING and bool(row.waits) and bool(attempts)
        return MessageFacts(
            status=status,
            channel=Channel(row.channel),
            reason=Reason(row.reason) if row.reason else None,
            topic=self._catalogue.numbered(row.topic),
            recipient_name=self._vault.open(SEALED["name"], row.name_sealed) if row.name_sealed else None,
            at=row.settled_at or row.updated_at,
            optout_source=left.way if left else None,
            optout_at=left.at if left else None,
            optout_reference=left.reference if left else None,
            elsewhere=left is not None and left.elsewhere,
            provider=attempts[-1]["provider"] if retried else row.provider,
            detail=attempts[-1]["detail"] if retried else row.detail,
            due_at=row.due_at if retried or status is Status.SCHEDULED else None,
            expires_at=row.expires_at,
            attempts=len(attempts),
            silent=bool(row.silent),
            handed_over=bool(attempts) and attempts[-1]["outcome"] in _HANDED_OVER,
            doubted=any(one["outcome"] == "unknown" for one in attempts),
            barred_by=barred.reason if barred else None,
            barred_at=barred.at if barred else None,
            barred_until=barred.until if barred else None,
        )


def _message_view(
    row: Row[Any],
    facts: MessageFacts,
    attempts: list[AttemptView],
    events: list[EventView],
    explanation: str,
) -> MessageView:
    retried = facts.status is Status.SENDING and facts.due_at is not None
    return {
        "id": ids.public(ids.MESSAGE, row.id),
        "notification_id": _public(ids.NOTIFICATION, row.notification_id),
        "campaign_id": _public(ids.CAMPAIGN, row.campaign_id),
        "recipient_id": row.external_id,
        "channel": row.channel,
        "topic": facts.topic.name if facts.topic else str(row.topic),
        "template": row.template,
        "status": facts.status,
        "reason": row.reason,
        "detail": row.detail,
        "explanation": explanation,
        "provider": row.provider,
        "provider_message_id": row.provider_message_id,
        "created_at": rfc3339(row.created_at),
        "scheduled_for": rfc3339_or_none(row.due_at if facts.status is Status.SCHEDULED else row.planned_at),
        "next_attempt_at": rfc3339_or_none(row.due_at) if retried else None,
        "sent_at": _sent_at(attempts),
        "expires_at": rfc3339_or_none(row.expires_at),
        "test": bool(row.test),
        "basis": {"regime": row.basis, "consent_id": _public(ids.CONSENT, row.basis_consent_id)},
        "attempts": attempts,
        "events": events,
    }


def _public(prefix: str, number: int | None) -> str | None:
    return ids.public(prefix, number) if number else None


def _sent_at(attempts: list[AttemptView]) -> str | None:
    """Return when a provider took the message."""
    return next((one["at"] for one in attempts if one["outcome"] == "accepted"), None)
