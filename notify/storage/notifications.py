"""Notifications and their messages: accepted, superseded, cancelled."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

from notify.domain.catalogue import Channel
from notify.domain.delivery import Closed, MessageDraft, NotificationDraft, SentTo, StoredNotification
from notify.domain.errors import IdempotencyInProgressError, IdempotencyMismatchError, NotFoundError
from notify.domain.event_moves import Routed
from notify.domain.requests import Lane, Routing
from notify.domain.status import Reason, Status
from notify.domain.token_claims import OptOutClaim
from notify.ports import Vault
from notify.storage.accepting import ADD
from notify.storage.columns import UtcDateTime
from notify.storage.held import Held
from notify.storage.json_rows import to_json
from notify.storage.locks import take_key
from notify.storage.prepared import Prepared
from notify.storage.tables import Dispatch, IdempotencyKey, Message, Notification, Recipient

DATA_FIELD: Final = "notifications.data"

# Built once: composing a statement costs SQLAlchemy more than running it.
_ADD_NOTIFICATIONS: Final = insert(Notification).returning(Notification.id, sort_by_parameter_order=True)
_ADD_DISPATCHES: Final = insert(Dispatch).returning(Dispatch.id, sort_by_parameter_order=True)
_ADD_MESSAGES: Final = insert(Message).returning(Message.id, sort_by_parameter_order=True)
_SENT_TO: Final = Prepared(
    lambda _: select(Message.locale, Message.address_hash).where(Message.id == bindparam("number"))
)
_SAVED: Final = Prepared(
    lambda _: select(IdempotencyKey.request_hash, IdempotencyKey.results).where(
        IdempotencyKey.key_hash == bindparam("key")
    )
)


class SqlNotifications:
    """Reads and writes what callers asked for."""

    def __init__(self, connection: Connection, vault: Vault, held: Held) -> None:
        self._connection = connection
        self._vault = vault
        self._held = held
        self._begun: dict[str, tuple[bytes, bytes, datetime]] = {}

    def begin_idempotent(
        self, key: str, request: bytes, now: datetime, recipients: Collection[str] = ()
    ) -> list[Any] | None:
        """Lock a key, and the recipients with it; return the saved results if it was used before."""
        key_hash = self._vault.hash("idempotency.key", key)
        request_hash = self._vault.hash("idempotency.request", request.decode())
        if self._connection.dialect.name == "postgresql":
            free, *saved, people = take_key(self._connection, key_hash, recipients)
            if not free:
                raise IdempotencyInProgressError("the first request with this key is still in progress")
            self._held.hold(recipients, people)
        else:
            saved = list(_SAVED.first(self._connection, {"key": key_hash}) or (None,))
        if saved[0] is None:
            self._begun[key] = (key_hash, request_hash, now)
            return None
        return _unless_another(saved, request_hash)

    def saved_results(self, key: str, request: bytes) -> list[Any] | None:
        """Return what was saved with a key, if anything."""
        key_hash = self._vault.hash("idempotency.key", key)
        saved = _SAVED.first(self._connection, {"key": key_hash})
        if saved is None:
            return None
        return _unless_another(saved, self._vault.hash("idempotency.request", request.decode()))

    def save_results(self, key: str, results: list[Any]) -> None:
        """Save the answer with the key that was begun. IdempotencyInProgressError."""
        key_hash, request_hash, now = self._begun.pop(key)
        given = {"key": key_hash, "request": request_hash, "answer": results, "at": now}
        if _SAVE.first(self._connection, given) is None:
            # Another request with this key was committed between our look and our lock.
            raise IdempotencyInProgressError("the first request with this key has just been answered")

    def drop_keys_before(self, at: datetime) -> int:
        """Delete idempotency keys older than `at`."""
        old = delete(IdempotencyKey).where(IdempotencyKey.created_at < at)
        return self._connection.execute(old).rowcount

    def add(self, drafts: Sequence[NotificationDraft]) -> list[StoredNotification]:
        """Insert all notifications, then the dispatches, then the messages: three statements."""
        if not drafts:
            return []
        if self._connection.dialect.name == "postgresql":
            return self._add_at_once(drafts)
        ids = self._insert_returning(_ADD_NOTIFICATIONS, [self._notification(draft) for draft in drafts])
        opened = [
            (draft, message) for draft in drafts for message in draft.messages if message.reason is None
        ]
        dispatches = iter(
            self._insert_returning(
                _ADD_DISPATCHES, [_dispatch(draft.lane, one.channel, draft.due_at) for draft, one in opened]
            )
        )
        rows, stored = [], []
        for number, draft in zip(ids, drafts, strict=True):
            own = [next(dispatches) if one.reason is None else None for one in draft.messages]
            stored.append((number, own))
            rows += [
                {"notification_id": number, "dispatch_id": dispatch, **_message(draft, one)}
                for one, dispatch in zip(draft.messages, own, strict=True)
            ]
        message_ids = iter(self._insert_returning(_ADD_MESSAGES, rows))
        return [
            StoredNotification(number, [next(message_ids) for _ in own], [one for one in own if one])
            for number, own in stored
        ]

    def _add_at_once(self, drafts: Sequence[NotificationDraft]) -> list[StoredNotification]:
        """Insert everything in one statement."""
        notifications = [{"place": place, **self._notification(draft)} for place, draft in enumerate(drafts)]
        messages = [
            {"place": place, "lane": draft.lane, "due_at": draft.due_at, **_message(draft, one)}
            for place, draft in enumerate(drafts)
            for one in draft.messages
        ]
        given = {"notifications": to_json(notifications), "messages": to_json(messages)}
        stored: dict[int, StoredNotification] = {}
        for place, number, message_id, dispatch_id in ADD.rows(self._connection, given):
            one = stored.setdefault(place, StoredNotification(number, [], []))
            if message_id:
                one.message_ids.append(message_id)
            if dispatch_id:
                one.dispatch_ids.append(dispatch_id)
        return [stored[place] for place in range(len(drafts))]

    def add_message(self, after: int, channel: Channel, lane: Lane, now: datetime) -> int:
        """Give the notification of message `after` its next channel's, due now; return its dispatch."""
        dispatch = self._insert_returning(_ADD_DISPATCHES, [_dispatch(lane, channel, now)])[0]
        moment = bindparam("now", now, type_=UtcDateTime())
        hashes = {Channel.EMAIL: Recipient.email_hash, Channel.SMS: Recipient.phone_hash}
        new = {
            "notification_id": Message.notification_id,
            "recipient_id": Message.recipient_id,
            "dispatch_id": bindparam("dispatch", dispatch),
            "channel": bindparam("new_channel", channel.value),
            "topic": Message.topic,
            "locale": Message.locale,
            "status": bindparam("new_status", Status.QUEUED.value),
            "address_hash": hashes[channel],
            "created_at": moment,
            "updated_at": moment,
        }
        earlier = select(*new.values()).join(Recipient, Recipient.id == Message.recipient_id)
        self._connection.execute(insert(Message).from_select(list(new), earlier.where(Message.id == after)))
        return dispatch

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
        return self._close(
            (Notification.id < notification_id)
            & (Notification.recipient_id == recipient_id)
            & (Notification.reference == reference)
            & (Notification.test == test)
            & Notification.template.in_(templates),
            {"status": Status.SKIPPED, "reason": Reason.SUPERSEDED, "updated_at": now},
        )

    def routes(self, notification_ids: Collection[int]) -> dict[int, Routed]:
        """Return how those with `fallback` routing go on that are not closed."""
        rows = self._connection.execute(
            select(Notification.id, Notification.channels, Notification.expires_at).where(
                Notification.id.in_(notification_ids),
                Notification.routing == Routing.FALLBACK,
                Notification.closed_as.is_(None),
            )
        )
        return {number: Routed([Channel(one) for one in channels], ends) for number, channels, ends in rows}

    def lock(self, notification_ids: Collection[int]) -> dict[int, Status | None]:
        """Lock notifications; return those that are still there, and as what they were closed."""
        rows = self._connection.execute(
            select(Notification.id, Notification.closed_as)
            .where(Notification.id.in_(notification_ids))
            .order_by(Notification.id)
            .with_for_update()
        )
        return {number: Status(closed_as) if closed_as else None for number, closed_as in rows}

    def sent_to(self, message_id: int) -> SentTo | None:
        """Return in what language, and to which address, a message went; None if it is gone."""
        row = _SENT_TO.first(self._connection, {"number": message_id})
        return SentTo(*row) if row else None

    def newest_to(
        self, recipient_ids: Collection[int], channel: Channel, address_hash: bytes
    ) -> OptOutClaim | None:
        """Return what the link in the newest message of these people to an address says; None without any."""
        row = self._connection.execute(
            select(Message.recipient_id, Message.topic, Message.id)
            .where(
                Message.recipient_id.in_(recipient_ids),
                Message.channel == channel,
                Message.address_hash == address_hash,
            )
            .order_by(Message.id.desc())
            .limit(1)
        ).first()
        return OptOutClaim(row.recipient_id, row.topic, channel, row.id) if row else None

    def cancel(self, notification_id: int, now: datetime) -> list[Closed]:
        """Cancel the messages that no provider was called for."""
        known = select(Notification.id).where(Notification.id == notification_id)
        if self._connection.scalar(known) is None:
            raise NotFoundError("no notification of that id")
        values = {"status": Status.CANCELLED, "updated_at": now}
        return self._close(Notification.id == notification_id, values)

    def _close(self, which: ColumnElement[bool], values: dict[str, Any]) -> list[Closed]:
        """Close notifications and end their open messages.

        Rows are locked in the order that everybody keeps: notification, dispatch, message. So no gate opens
        meanwhile, and no failure turns to the next channel afterwards.
        """
        mine = list(
            self._connection.scalars(
                update(Notification)
                .where(which)
                .values(closed_as=values["status"])
                .returning(Notification.id)
            )
        )
        if not mine:
            return []
        held = list(
            self._connection.scalars(
                select(Dispatch.id)
                .where(
                    Dispatch.id.in_(select(Message.dispatch_id).where(Message.notification_id.in_(mine))),
                    Dispatch.phase.in_(("waiting", "claimed")),
                )
                .order_by(Dispatch.id)
                .with_for_update()
            )
        )
        rows = self._connection.execute(
            update(Message)
            .where(
                Message.dispatch_id.in_(held),
                Message.notification_id.in_(mine),
                Message.status == Status.QUEUED,
            )
            .values(values)
            .returning(Message.id, Message.topic, Message.channel)
        )
        return [Closed(number, topic, Channel(channel)) for number, topic, channel in rows]

    def _notification(self, draft: NotificationDraft) -> dict[str, Any]:
        return {
            "recipient_id": draft.recipient_id,
            "template": draft.template,
            "reference": draft.reference,
            "data_sealed": self._vault.seal(
                DATA_FIELD, json.dumps(draft.data, ensure_ascii=False, separators=(",", ":"))
            ),
            "channels": list(draft.channels),
            "routing": draft.routing,
            "test": draft.test,
            "created_at": draft.created_at,
            "send_at": draft.send_at,
            "expires_at": draft.expires_at,
        }

    def _insert_returning(self, statement: ReturningInsert[Any], rows: list[dict[str, Any]]) -> list[int]:
        return list(self._connection.scalars(statement, rows)) if rows else []


def _save(dialect: str) -> ReturningInsert[Any]:
    kind = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return (
        kind(IdempotencyKey)
        .values(
            key_hash=bindparam("key"),
            request_hash=bindparam("request"),
            results=bindparam("answer"),
            created_at=bindparam("at"),
        )
        .on_conflict_do_nothing()
        .returning(IdempotencyKey.key_hash)  # psycopg counts no rows of an INSERT
    )


_SAVE: Final = Prepared(_save)


def _unless_another(saved: Sequence[Any], request_hash: bytes) -> list[Any]:
    """Return saved results; IdempotencyMismatchError if they are those of another request."""
    if saved[0] != request_hash:
        raise IdempotencyMismatchError("this key was used before, with another body")
    results: list[Any] = saved[1]
    return results


def _message(draft: NotificationDraft, one: MessageDraft) -> dict[str, Any]:
    return {
        "recipient_id": draft.recipient_id,
        "channel": one.channel,
        "topic": one.topic,
        "locale": one.locale,
        "status": Status.SKIPPED if one.reason else Status.QUEUED,
        "reason": one.reason,
        "address_hash": one.address_hash,
        "basis": one.basis,
        "basis_consent_id": one.basis_consent_id,
        "created_at": draft.created_at,
        "updated_at": draft.created_at,
    }


def _dispatch(lane: Lane, channel: Channel, due_at: datetime) -> dict[str, Any]:
    return {
        "lane": lane,
        "channel": channel,
        "phase": "waiting",
        "due_at": due_at,
        "planned_at": due_at,
        "attempt": 0,
        "lapses": 0,
    }
