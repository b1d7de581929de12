"""Writes down what became of dispatches that a worker is through with."""

from collections.abc import Collection, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from notify.domain.delivery import AttemptMade, Deferred, Record, Settled
from notify.domain.status import Reason, Status, may_move
from notify.storage.campaign_tables import Campaign
from notify.storage.columns import UtcDateTime
from notify.storage.prepared import Prepared, among
from notify.storage.tables import Attempt, Dispatch, Message

_DETAIL_LENGTH: Final = 300

# Built once: composing a statement costs SQLAlchemy more than running it.
_LOCK: Final = Prepared(
    lambda dialect: (
        select(Dispatch.id, Dispatch.claim, Dispatch.phase, Dispatch.status, Dispatch.campaign_id)
        .where(among(dialect, Dispatch.id, "numbers"))
        .order_by(Dispatch.id)
        .with_for_update()
    )
)
_CLOSE: Final = (
    update(Dispatch)
    .where(Dispatch.id == bindparam("number"))
    .values(
        phase="done",
        lease_until=None,
        status=bindparam("new_status"),
        detail=bindparam("new_detail"),
        provider_message_id=bindparam("theirs"),
        settled_at=bindparam("now", type_=UtcDateTime()),
    )
)
_SETTLE: Final = (
    update(Message)
    .where(
        Message.id == bindparam("message"),
        Message.dispatch_id == bindparam("dispatch"),
        or_(Message.status == Status.QUEUED, Message.status == bindparam("late")),
    )
    .values(
        status=bindparam("new_status"),
        reason=bindparam("new_reason"),
        detail=bindparam("new_detail"),
        provider=bindparam("new_provider"),
        provider_message_id=bindparam("theirs"),
        updated_at=bindparam("now", type_=UtcDateTime()),
    )
)
_NOTE: Final = insert(Attempt)


def waiting_or_paused() -> ColumnElement[str]:
    """Return the phase in which a dispatch waits: `paused` while its campaign is.

    So does one whose campaign was cancelled in mid-call, until `cancel_leftovers` ends it. A test of a paused
    campaign is not held back.
    """
    stopped = Campaign.status.in_(("paused", "cancelled"))
    paused = exists().where(Campaign.id == Dispatch.campaign_id, stopped, Dispatch.lane == "bulk")
    return case((paused, "paused"), else_="waiting")


def _where_held(deferred: Deferred) -> ColumnElement[str]:
    """Return the phase in which a dispatch waits: for its hours, a campaign's is packed again.

    So the pump lets go of it as of its others, and its throttle holds.
    """
    if not deferred.held:
        return waiting_or_paused()
    return case((and_(Dispatch.campaign_id.is_not(None), Dispatch.lane == "bulk"), "packed"), else_="waiting")


class _Locked(NamedTuple):
    id: int
    claim: str | None
    phase: str
    status: str | None
    campaign_id: int | None


def write_records(connection: Connection, records: Sequence[Record], now: datetime) -> set[int]:
    """Write messages, attempts and dispatches; return the dispatches in which this worker had a say.

    Who lost the lease before the call has none any more. Who lost it in mid-call, so that the dispatch
    ended as `unknown`, still tells what came of it.
    """
    numbers = [one.claimed.dispatch_id for one in records]
    found = {row[0]: _Locked(*row) for row in _LOCK.rows(connection, {"numbers": numbers})}
    ours = [
        (one, row)
        for one in records
        if (row := found.get(one.claimed.dispatch_id)) is not None
        and row.claim == one.claimed.claim
        and (row.phase != "done" or row.status == Status.UNKNOWN)  # else it was written down before
    ]
    writer = _Writer(connection, now)
    for record, row in ours:
        writer.take(record, row)
    writer.write()
    return {row.id for _, row in ours}


class _Writer:
    """Gathers what is to be written, so that each kind is one statement."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._closed: list[dict[str, Any]] = []
        self._settled: list[dict[str, Any]] = []
        self._attempts: list[dict[str, Any]] = []

    def take(self, record: Record, row: _Locked) -> None:
        """Take what became of one locked dispatch."""
        late = row.phase == "done"
        before = Status.UNKNOWN if late else Status.SENDING
        self._attempts += [
            _attempt(one, row.id)
            for one in record.attempts
            # That it is unknown was written down when it was lost, or by this very record, whose commit's
            # answer was lost.
            if not (late and one.message_id is None and one.outcome == Status.UNKNOWN)
        ]
        self._settled += [
            _settled(one, row.id, self._now) for one in record.settled if may_move(before, one.status)
        ]
        if late and row.campaign_id is not None:  # it may be over by now, and is not begun again
            self._give_up(record, row.id)
            record.deferred = []
        whole = next((one for one in record.deferred if one.whole), None)
        if whole:
            self._put_back(row.id, whole, called=row.phase != "claimed")
            return
        for one in record.deferred:
            self._part(row.id, one, record.attempts)
        fate = record.fate
        if late and (fate is None or not may_move(before, fate.status)):
            return  # the rest is as uncertain as before
        self._closed.append(
            {
                "number": row.id,
                "new_status": fate.status if fate else None,
                "new_detail": _short(fate.detail) if fate else None,
                "theirs": fate.provider_message_id if fate else None,
                "now": self._now,
            }
        )

    def write(self) -> None:
        """Write what was gathered; messages in the order in which everybody locks them."""
        self._settled.sort(key=itemgetter("message"))
        for statement, rows in ((_SETTLE, self._settled), (_CLOSE, self._closed), (_NOTE, self._attempts)):
            if rows:
                self._connection.execute(statement, rows)

    def _put_back(self, number: int, deferred: Deferred, *, called: bool) -> None:
        """Let a whole dispatch wait for its next turn; a try that came to no call counts here."""
        values: dict[str, Any] = {
            "phase": _where_held(deferred),
            "due_at": deferred.due_at,
            "claim": None,
            "lease_until": None,
            "status": None,
            "detail": None,
            "settled_at": None,
        }
        if deferred.counts and not called:
            values["attempt"] = Dispatch.attempt + 1
            moment = bindparam("moment", self._now, type_=UtcDateTime())
            values["started_at"] = func.coalesce(Dispatch.started_at, moment)
        if deferred.held:
            values |= {"started_at": None, "planned_at": deferred.due_at}
            self._hold(deferred.message_ids)
        self._connection.execute(update(Dispatch).where(Dispatch.id == number).values(values))

    def _give_up(self, record: Record, number: int) -> None:
        """Call failed what was refused in a call that had been lost; `failed_in` finds it."""
        reasons = {one.message_id: one.detail for one in record.attempts}
        self._settled += [
            _settled(Settled(message, Status.FAILED, detail=detail), number, self._now)
            for one in record.deferred
            for message in one.message_ids
            for detail in (reasons.get(message) or reasons.get(None),)
        ]

    def _part(self, number: int, deferred: Deferred, made: Sequence[AttemptMade]) -> None:
        """Give the messages that come later a dispatch of their own, as far as they are still open.

        What was tried for all of the old one was tried for them too.
        """
        mine = (
            Message.id.in_(deferred.message_ids),
            Message.dispatch_id == number,
            Message.status == Status.QUEUED,
        )
        moved = list(self._connection.scalars(select(Message.id).where(*mine).with_for_update()))
        if not moved:
            return
        if deferred.held:
            self._hold(moved)
        old = Dispatch.__table__.c
        copied = (old.campaign_id, old.lane, old.channel, old.attempt, old.lapses)
        begun = case((bindparam("held", deferred.held), None), else_=old.started_at)
        due = bindparam("due", deferred.due_at, type_=UtcDateTime())
        (new,) = self._connection.scalars(
            insert(Dispatch)
            .from_select(
                [*(column.name for column in copied), "started_at", "phase", "size", "due_at", "planned_at"],
                select(
                    *copied,
                    begun,
                    _where_held(deferred),
                    bindparam("size", len(moved)),
                    due,
                    due if deferred.held else old.planned_at,
                ).where(old.id == number),
            )
            .returning(Dispatch.id)
        )
        self._connection.execute(update(Message).where(Message.id.in_(moved)).values(dispatch_id=new))
        copy_attempts(self._connection, number, [new])
        apart = {one.message_id for one in made}
        if deferred.counts and apart.isdisjoint(moved):
            self._attempts += [_attempt(one, new) for one in made if one.message_id is None]
        self._connection.execute(
            update(Dispatch).where(Dispatch.id == number).values(size=Dispatch.size - len(moved))
        )

    def _hold(self, message_ids: Collection[int]) -> None:
        self._connection.execute(
            update(Message)
            .where(Message.id.in_(message_ids), Message.status == Status.QUEUED)
            .values(reason=Reason.OUTSIDE_HOURS)
        )


def copy_attempts(connection: Connection, old: int, new: Sequence[int]) -> None:
    """Give new dispatches what was tried for all messages of the old one, which theirs were among."""
    told = ("at", "provider", "outcome", "detail", "duration_ms")
    shared = select(*(getattr(Attempt, name) for name in told)).where(
        Attempt.dispatch_id == old, Attempt.message_id.is_(None)
    )
    rows = [dict(row._mapping) for row in connection.execute(shared.order_by(Attempt.id))]  # noqa: SLF001 - public
    if rows:
        connection.execute(_NOTE, [{**row, "dispatch_id": number} for number in new for row in rows])


def _settled(one: Settled, dispatch: int, now: datetime) -> dict[str, Any]:
    return {
        "message": one.message_id,
        "dispatch": dispatch,
        "late": Status.UNKNOWN,
        "new_status": one.status,
        "new_reason": one.reason,
        "new_detail": _short(one.detail),
        "new_provider": one.provider,
        "theirs": one.provider_message_id,
        "now": now,
    }


def _attempt(one: AttemptMade, dispatch: int) -> dict[str, Any]:
    return {
        "dispatch_id": dispatch,
        "message_id": one.message_id,
        "at": one.at,
        "provider": one.provider,
        "outcome": one.outcome,
        "detail": _short(one.detail),
        "duration_ms": one.duration_ms,
    }


def _short(detail: str | None) -> str | None:
    return detail[:_DETAIL_LENGTH] if detail else None
