"""Dispatches: claimed by a lease, marked as being called, recorded, and recovered when a worker is lost."""

import json
import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, bindparam, func, insert, select, update

from notify.domain.catalogue import Channel
from notify.domain.consent import Standing
from notify.domain.delivery import Claimed, Letter, Record, StoredRecipient
from notify.domain.requests import Lane, Routing
from notify.domain.status import Reason, Status
from notify.ports import Vault
from notify.storage.consents import SqlConsents
from notify.storage.notifications import DATA_FIELD
from notify.storage.recipients import SqlRecipients
from notify.storage.tables import Attempt, Dispatch, Heartbeat, Message, Notification

LOST_IN_CALL: Final = "the worker was lost while the provider was being called"


class SqlDeliveries:
    """Reads and writes dispatches."""

    def __init__(
        self, connection: Connection, recipients: SqlRecipients, consents: SqlConsents, vault: Vault
    ) -> None:
        self._connection = connection
        self._recipients = recipients
        self._consents = consents
        self._vault = vault

    def claim(
        self, lane: Lane, ids: Collection[int] | None, limit: int, now: datetime, lease_until: datetime
    ) -> list[Claimed]:
        """Claim due dispatches that nobody else is claiming."""
        due: list[ColumnElement[bool]] = [
            Dispatch.lane == lane,
            Dispatch.phase == "waiting",
            Dispatch.due_at <= now,
        ]
        if ids is not None:
            due.append(Dispatch.id.in_(ids))
        oldest = select(Dispatch.id).where(*due).order_by(Dispatch.due_at).limit(limit)
        # A CTE, so that PostgreSQL runs it once and never locks more than `limit`.
        free = oldest.with_for_update(skip_locked=True).cte("free")
        rows = self._connection.execute(
            update(Dispatch)
            .where(Dispatch.id.in_(select(free.c.id)))
            .values(
                phase="claimed",
                claim=str(uuid.uuid4()),
                lease_until=lease_until,
                attempt=Dispatch.attempt + 1,
                started_at=_first(Dispatch.started_at, now),
            )
            .returning(Dispatch.__table__)
        ).all()
        letters = self._letters([row.id for row in rows]) if rows else {}
        return [
            Claimed(
                row.id,
                row.claim,
                Lane(row.lane),
                Channel(row.channel),
                row.attempt,
                row.planned_at,
                letters.get(row.id, ()),
            )
            for row in rows
        ]

    def start_calls(self, claimed: Sequence[Claimed], provider: str, lease_until: datetime) -> set[int]:
        """Mark what is still ours as being called; return its messages that are still open."""
        ours = list(
            self._connection.scalars(
                select(Dispatch.id)
                .where(
                    Dispatch.id.in_([one.dispatch_id for one in claimed]),
                    Dispatch.claim.in_({one.claim for one in claimed}),
                    Dispatch.phase == "claimed",
                )
                .order_by(Dispatch.id)
                .with_for_update()
            )
        )
        self._connection.execute(
            update(Dispatch)
            .where(Dispatch.id.in_(ours))
            .values(phase="calling", provider=provider, lease_until=lease_until)
        )
        return set(
            self._connection.scalars(
                select(Message.id).where(Message.dispatch_id.in_(ours), Message.status == Status.QUEUED)
            )
        )

    def record(self, claimed: Sequence[Claimed], record: Record, now: datetime) -> None:
        """Write messages, attempts and dispatches.

        A message that was called `unknown` meanwhile still learns what came of it.
        """
        if record.settled:
            self._connection.execute(
                update(Message)
                .where(
                    Message.id == bindparam("message"), Message.status.in_((Status.QUEUED, Status.UNKNOWN))
                )
                .values(
                    status=bindparam("new_status"),
                    reason=bindparam("new_reason"),
                    detail=bindparam("new_detail"),
                    provider=bindparam("new_provider"),
                    provider_message_id=bindparam("theirs"),
                    address_hash=bindparam("hash"),
                    basis=bindparam("new_basis"),
                    basis_consent_id=bindparam("consent"),
                    updated_at=now,
                ),
                [
                    {
                        "message": one.message_id,
                        "new_status": one.status,
                        "new_reason": one.reason,
                        "new_detail": one.detail[:300] if one.detail else None,
                        "new_provider": one.provider,
                        "theirs": one.provider_message_id,
                        "hash": one.address_hash,
                        "new_basis": one.basis,
                        "consent": one.basis_consent_id,
                    }
                    for one in record.settled
                ],
            )
        if record.attempts:
            self._connection.execute(
                insert(Attempt),
                [
                    {
                        "message_id": one.message_id,
                        "at": one.at,
                        "provider": one.provider,
                        "outcome": one.outcome,
                        "detail": one.detail[:300] if one.detail else None,
                        "duration_ms": one.duration_ms,
                    }
                    for one in record.attempts
                ],
            )
        self._close(claimed, record)

    def recover(self, now: datetime) -> tuple[int, int]:
        """Put lost claims back in the queue; end lost calls as `unknown`: nobody knows what came of them."""
        lapsed = Dispatch.lease_until < now
        returned = self._connection.execute(
            update(Dispatch)
            .where(Dispatch.phase == "claimed", lapsed)
            .values(phase="waiting", claim=None, lease_until=None, attempt=Dispatch.attempt - 1)
        ).rowcount
        lost = self._connection.execute(
            update(Dispatch)
            .where(Dispatch.phase == "calling", lapsed)
            .values(phase="done", claim=None, lease_until=None)
            .returning(Dispatch.id, Dispatch.provider)
        ).all()
        if not lost:
            return returned, 0
        providers = {row.id: row.provider for row in lost}
        messages = self._connection.execute(
            update(Message)
            .where(Message.dispatch_id.in_(providers), Message.status == Status.QUEUED)
            .values(status=Status.UNKNOWN, detail=LOST_IN_CALL, updated_at=now)
            .returning(Message.id, Message.dispatch_id)
        ).all()
        if messages:
            self._connection.execute(
                insert(Attempt),
                [
                    {
                        "message_id": row.id,
                        "at": now,
                        "provider": providers[row.dispatch_id],
                        "outcome": "unknown",
                        "detail": LOST_IN_CALL,
                    }
                    for row in messages
                ],
            )
        return returned, len(messages)

    def lanes_due(self, now: datetime) -> list[Lane]:
        """Return the lanes in which something waits that is due."""
        found = self._connection.scalars(
            select(Dispatch.lane).where(Dispatch.phase == "waiting", Dispatch.due_at <= now).distinct()
        )
        return [Lane(lane) for lane in found]

    def beat(self, name: str, now: datetime) -> None:
        """Note that a periodic task ran."""
        changed = self._connection.execute(
            update(Heartbeat).where(Heartbeat.name == name).values(beat_at=now)
        )
        if not changed.rowcount:
            self._connection.execute(insert(Heartbeat).values(name=name, beat_at=now))

    def _letters(self, dispatch_ids: list[int]) -> dict[int, list[Letter]]:
        rows = self._connection.execute(
            select(
                Message.id,
                Message.dispatch_id,
                Message.notification_id,
                Message.recipient_id,
                Message.channel,
                Message.topic,
                Message.locale,
                Notification.template,
                Notification.data_sealed,
                Notification.channels,
                Notification.routing,
                Notification.reference,
                Notification.test,
                Notification.expires_at,
            )
            .join(Notification, Notification.id == Message.notification_id)
            .where(Message.dispatch_id.in_(dispatch_ids), Message.status == Status.QUEUED)
            .order_by(Message.id)
        ).all()
        recipients = self._recipients.by_numbers({row.recipient_id for row in rows})
        rows = [row for row in rows if row.recipient_id in recipients]  # the rest was erased just now
        standings = self._consents.standings(
            [(recipients[row.recipient_id], row.topic, Channel(row.channel)) for row in rows]
        )
        found: dict[int, list[Letter]] = {}
        for row, standing in zip(rows, standings, strict=True):
            letter = self._letter(row, recipients[row.recipient_id], standing)
            found.setdefault(row.dispatch_id, []).append(letter)
        return found

    def _letter(self, row: Row[Any], recipient: StoredRecipient, standing: Standing) -> Letter:
        return Letter(
            message_id=row.id,
            notification_id=row.notification_id,
            recipient=recipient,
            channel=Channel(row.channel),
            topic=row.topic,
            locale=row.locale,
            template=row.template,
            data=json.loads(self._vault.open(DATA_FIELD, row.data_sealed)),
            channels=tuple(Channel(name) for name in row.channels),
            routing=Routing(row.routing),
            reference=row.reference,
            test=row.test,
            expires_at=row.expires_at,
            standing=standing,
        )

    def _close(self, claimed: Sequence[Claimed], record: Record) -> None:
        """End the dispatches that are still ours, or put them back for later."""
        later = {one.dispatch_id: one for one in record.deferred}
        claims = {one.claim for one in claimed}
        done = [one.dispatch_id for one in claimed if one.dispatch_id not in later]
        if done:
            self._connection.execute(
                update(Dispatch)
                .where(Dispatch.id.in_(done), Dispatch.claim.in_(claims))
                .values(phase="done", lease_until=None)
            )
        for one in later.values():
            back: dict[str, Any] = {"phase": "waiting", "due_at": one.due_at, "claim": None}
            if one.held:
                back |= {"started_at": None, "attempt": Dispatch.attempt - 1}
                self._connection.execute(
                    update(Message)
                    .where(Message.id.in_(one.message_ids), Message.status == Status.QUEUED)
                    .values(reason=Reason.OUTSIDE_HOURS)
                )
            self._connection.execute(
                update(Dispatch)
                .where(Dispatch.id == one.dispatch_id, Dispatch.claim.in_(claims))
                .values(**back, lease_until=None)
            )


def _first(column: Any, now: datetime) -> ColumnElement[Any]:  # noqa: ANN401 - a mapped column
    """Return the column's value, or `now` where it has none."""
    return func.coalesce(column, bindparam(None, now, type_=Dispatch.__table__.c.started_at.type))
