"""Dispatches: claimed by a lease, marked as being called, recorded, and recovered when a worker is lost."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, bindparam, case, func, insert, select, update

from notify.domain.catalogue import Channel
from notify.domain.delivery import AttemptMade, Claimed, Deferred, Record, Settled
from notify.domain.requests import Lane
from notify.domain.status import Reason, Status, may_move
from notify.storage.letters import SqlLetters
from notify.storage.tables import Attempt, Dispatch, Heartbeat, Message

LOST_IN_CALL: Final = "the worker was lost while the provider was being called"
LOST_AGAIN: Final = "workers were lost again and again while they prepared this message"

_MOST_LAPSES: Final = 20
_DETAIL_LENGTH: Final = 300
_SETTLED: Final = (
    "status", "reason", "detail", "provider", "provider_message_id", "basis", "basis_consent_id",
)  # fmt: skip


class SqlDeliveries:
    """Reads and writes dispatches."""

    def __init__(self, connection: Connection, letters: SqlLetters) -> None:
        self._connection = connection
        self._letters = letters

    def claim(self, lane: Lane, limit: int, now: datetime, lease_until: datetime) -> list[Claimed]:
        """Claim the oldest due dispatches that nobody else is claiming."""
        due = (Dispatch.lane == lane, Dispatch.phase == "waiting", Dispatch.due_at <= now)
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
        found = self._letters.read([row.id for row in rows]) if rows else {}
        return [
            Claimed(
                row.id,
                row.claim,
                Lane(row.lane),
                Channel(row.channel),
                row.attempt,
                row.planned_at,
                *found.get(row.id, ((), ())),
            )
            for row in rows
        ]

    def lock_open(self, claimed: Claimed) -> set[int]:
        """Lock a dispatch if it is still ours and was not called yet; return its messages that are open."""
        if self._lock(claimed) != "claimed":
            return set()
        return self._messages_in(claimed.dispatch_id, Status.QUEUED)

    def start_call(
        self, claimed: Claimed, provider: str, lease_until: datetime, corrected: Mapping[int, bytes]
    ) -> None:
        """Mark a locked dispatch as being called, and its messages as going where they go now."""
        self._connection.execute(
            update(Dispatch)
            .where(Dispatch.id == claimed.dispatch_id)
            .values(phase="calling", provider=provider, lease_until=lease_until)
        )
        if corrected:
            self._connection.execute(
                update(Message)
                .where(Message.id == bindparam("message"))
                .values(address_hash=bindparam("hash")),
                [{"message": number, "hash": value} for number, value in corrected.items()],
            )

    def record(self, claimed: Claimed, record: Record, now: datetime) -> set[int]:
        """Write messages, attempts and the dispatch.

        Who lost the lease before the call has no say any more. Who lost it in mid-call, so that the messages
        were ended as `unknown`, still tells what came of it.
        """
        phase = self._lock(claimed)
        if phase is None:
            return set()
        late = phase == "done"
        standing = Status.UNKNOWN if late else Status.QUEUED
        ours = self._messages_in(claimed.dispatch_id, standing)
        before = Status.UNKNOWN if late else Status.SENDING
        settled = [one for one in record.settled if one.message_id in ours and may_move(before, one.status)]
        self._settle(settled, now)
        self._note(record.attempts, ours)
        if not late:
            self._close(claimed, record.deferred)
        elif record.deferred and may_move(before, Status.QUEUED):
            self._reopen(claimed, record.deferred, ours, now)
        return {one.message_id for one in settled}

    def recover(self, now: datetime) -> tuple[int, int]:
        """Put lapsed claims back in the queue; end lapsed calls as `unknown`: nobody knows what came of them.

        A dispatch whose claim lapses again and again is what kills its workers; it ends as failed.
        """
        lapsed = Dispatch.lease_until < now
        again = Dispatch.lapses < _MOST_LAPSES
        returned = self._connection.execute(
            update(Dispatch)
            .where(Dispatch.phase == "claimed", lapsed)
            .values(
                phase=case((again, "waiting"), else_="done"),
                claim=None,
                lease_until=None,
                attempt=Dispatch.attempt - 1,
                lapses=Dispatch.lapses + 1,
            )
            .returning(Dispatch.id, Dispatch.phase)
        ).all()
        given_up = [row.id for row in returned if row.phase == "done"]
        if given_up:
            self._end(given_up, Status.FAILED, LOST_AGAIN, now)
        lost = self._connection.execute(
            update(Dispatch)
            .where(Dispatch.phase == "calling", lapsed)
            .values(phase="done", lease_until=None)
            .returning(Dispatch.id, Dispatch.provider)
        ).all()
        providers = {row.id: row.provider for row in lost}
        ended = self._end(list(providers), Status.UNKNOWN, LOST_IN_CALL, now) if lost else []
        self._note(
            [
                AttemptMade(number, now, providers[dispatch], "unknown", LOST_IN_CALL, None)
                for number, dispatch in ended
            ],
            {number for number, _ in ended},
        )
        return len(returned), len(ended)

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

    def _lock(self, claimed: Claimed) -> str | None:
        """Lock the dispatch and return its phase; None if it is not ours any more."""
        return self._connection.scalar(
            select(Dispatch.phase)
            .where(Dispatch.id == claimed.dispatch_id, Dispatch.claim == claimed.claim)
            .with_for_update()
        )

    def _messages_in(self, dispatch_id: int, status: Status) -> set[int]:
        query = select(Message.id).where(Message.dispatch_id == dispatch_id, Message.status == status)
        return set(self._connection.scalars(query))

    def _settle(self, settled: Sequence[Settled], now: datetime) -> None:
        if not settled:
            return
        self._connection.execute(
            update(Message)
            .where(Message.id == bindparam("message"))
            .values({name: bindparam(f"new_{name}") for name in _SETTLED} | {"updated_at": now}),
            [
                {"message": one.message_id}
                | {f"new_{name}": getattr(one, name) for name in _SETTLED}
                | {"new_detail": _short(one.detail)}
                for one in settled
            ],
        )

    def _note(self, attempts: Sequence[AttemptMade], known: Collection[int]) -> None:
        rows = [asdict(one) | {"detail": _short(one.detail)} for one in attempts if one.message_id in known]
        if rows:
            self._connection.execute(insert(Attempt), rows)

    def _end(
        self, dispatch_ids: Collection[int], status: Status, detail: str, now: datetime
    ) -> list[tuple[int, int]]:
        """End the open messages of dispatches; return each with its dispatch."""
        rows = self._connection.execute(
            update(Message)
            .where(Message.dispatch_id.in_(dispatch_ids), Message.status == Status.QUEUED)
            .values(status=status, detail=detail, updated_at=now)
            .returning(Message.id, Message.dispatch_id)
        )
        return [(number, dispatch) for number, dispatch in rows if dispatch]

    def _close(self, claimed: Claimed, deferred: Deferred | None) -> None:
        """End a dispatch, or put it back for later."""
        values: dict[str, Any] = {"phase": "done", "lease_until": None}
        if deferred:
            values |= {"phase": "waiting", "due_at": deferred.due_at, "claim": None}
            if deferred.held:
                values |= {"started_at": None, "attempt": Dispatch.attempt - 1}
                self._connection.execute(
                    update(Message)
                    .where(Message.id.in_(deferred.message_ids), Message.status == Status.QUEUED)
                    .values(reason=Reason.OUTSIDE_HOURS)
                )
        self._connection.execute(update(Dispatch).where(Dispatch.id == claimed.dispatch_id).values(values))

    def _reopen(self, claimed: Claimed, deferred: Deferred, ours: Collection[int], now: datetime) -> None:
        """Queue messages again that were `unknown`, now that the provider is known not to have them."""
        self._connection.execute(
            update(Message)
            .where(Message.id.in_([one for one in deferred.message_ids if one in ours]))
            .values(status=Status.QUEUED, detail=None, updated_at=now)
        )
        self._close(claimed, deferred)


def _first(column: Any, now: datetime) -> ColumnElement[Any]:  # noqa: ANN401 - a mapped column
    """Return the column's value, or `now` where it has none."""
    return func.coalesce(column, bindparam(None, now, type_=Dispatch.__table__.c.started_at.type))


def _short(detail: str | None) -> str | None:
    return detail[:_DETAIL_LENGTH] if detail else None
