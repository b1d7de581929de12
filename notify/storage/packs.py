"""Packs: messages of a campaign that are planned together, and let go of in parts as those before leave."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Row,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy import update as update_table

from notify.domain.catalogue import Channel
from notify.domain.requests import Lane
from notify.domain.status import Reason, Status
from notify.storage.recording import copy_attempts
from notify.storage.tables import Attempt, Dispatch, Message, Recipient
from notify.store.campaigns import Opens

PACKED: Final = "packed"
"""The phase of a pack."""

_MINUTE: Final = timedelta(minutes=1)
_MOST_PACKS: Final = 200
_OPEN: Final[Any] = Dispatch.phase != literal_column("'done'")
"""In so many words, as the partial index has it: only then does PostgreSQL see that the index serves."""
_COPIED: Final = ("campaign_id", "lane", "channel", "due_at", "planned_at", "attempt", "lapses")
_ADD: Final = insert(Dispatch).returning(Dispatch.id, sort_by_parameter_order=True)
_MOVE: Final = (
    update_table(Message)
    .where(Message.id == bindparam("message"))
    .values(dispatch_id=bindparam("new_dispatch"))
)
_MOVE_AT_ONCE: Final = text(
    "UPDATE messages SET dispatch_id = given.dispatch"
    " FROM unnest(CAST(:messages AS int8[]), CAST(:dispatches AS int8[])) AS given(message, dispatch)"
    " WHERE messages.id = given.message"
)


def under_way(connection: Connection, number: int, now: datetime, most: int) -> int:
    """Count messages that wait for a call within a minute, or had it in the last one.

    Of the newest `most` dispatches: a campaign may have made a million before, and no index finds the last.
    """
    newest = (
        select(Dispatch.size, Dispatch.phase, Dispatch.due_at, Dispatch.started_at)
        .where(*_of(number), Dispatch.phase != PACKED)
        .order_by(Dispatch.id.desc())
        .limit(most)
        .subquery()
    )
    comes = and_(newest.c.phase != "done", newest.c.due_at <= now + _MINUTE)
    came = newest.c.started_at > now - _MINUTE
    return int(connection.scalar(select(func.sum(newest.c.size)).where(or_(comes, came))) or 0)


def ahead(connection: Connection, number: int, most: int, now: datetime) -> tuple[int, int]:
    """Count those that are due and not done; and with them those that wait for another try, up to `most`."""
    due = Dispatch.due_at <= now
    some = (
        select(case((due, 1), else_=0).label("due"))
        .where(*_of(number), _OPEN, Dispatch.phase != PACKED, or_(due, Dispatch.started_at.is_not(None)))
        .limit(most)
        .subquery()
    )
    row = connection.execute(select(func.sum(some.c.due), func.count()).select_from(some)).one()
    return int(row[0] or 0), row[1]


def next_packed(connection: Connection, number: int) -> datetime | None:
    """Return when the first pack there is is due."""
    first = select(Dispatch.due_at).where(*_packed(number)).order_by(Dispatch.due_at).limit(1)
    return connection.scalar(first)


def let_go(
    connection: Connection, number: int, most: int, now: datetime, *, apart: bool, opens: Opens
) -> int:
    """Take up to `most` messages that are due out of their packs; return how many they were.

    SMS whose window is closed by now stay packed until it opens. The campaign is locked; so nobody else
    changes its packs but for an erasure, which makes them smaller.
    """
    moved = 0
    for pack in _due(connection, number, most, now):
        if moved >= most:
            break
        if pack.channel == Channel.SMS:
            _hold(connection, pack, now, opens)
        mine = select(Message.id).where(*_open_in(pack)).order_by(Message.id).limit(most - moved)
        messages = list(connection.scalars(mine))
        size = 1 if apart or pack.channel == Channel.SMS else max(1, len(messages))
        parts = [messages[start : start + size] for start in range(0, len(messages), size)]
        _move(connection, pack, parts)
        moved += len(messages)
    return moved


def _due(connection: Connection, number: int, most: int, now: datetime) -> Iterator[Row[Any]]:
    """Lock the packs that come first, as many as have so many messages; return them oldest first."""
    query = select(Dispatch.id, Dispatch.size).where(*_packed(number), Dispatch.due_at <= now)
    chosen, found = [], 0
    for row in connection.execute(query.order_by(Dispatch.due_at, Dispatch.id).limit(_MOST_PACKS)).all():
        if found < most:
            chosen.append(row.id)
            found += row.size
    locked = (
        select(Dispatch.id, *(getattr(Dispatch, name) for name in _COPIED))
        .where(Dispatch.id.in_(chosen), Dispatch.phase == PACKED)
        .order_by(Dispatch.id)
        .with_for_update()
    )
    yield from sorted(connection.execute(locked).all(), key=lambda row: (row.due_at, row.id))


def _hold(connection: Connection, pack: Row[Any], now: datetime, opens: Opens) -> None:
    """Put those whose window is closed in packs of their own, one for each moment at which one opens."""
    home = (Recipient.effective_country, Recipient.timezone)
    people = Message.__table__.outerjoin(Recipient.__table__, Recipient.id == Message.recipient_id)
    homes = connection.execute(select(*home).select_from(people).where(*_open_in(pack)).distinct()).all()
    waits = {(country, zone): opens(country, zone) for country, zone in homes}
    if max(waits.values(), default=now) <= now:
        return
    mine = select(Message.id, *home).select_from(people).where(*_open_in(pack)).order_by(Message.id)
    held: dict[datetime, list[int]] = defaultdict(list)
    for message, country, zone in connection.execute(mine.with_for_update(of=Message)):
        held[waits.get((country, zone), now)].append(message)
    for moment, messages in held.items():
        if moment <= now:
            continue
        later = {"phase": PACKED, "due_at": moment, "planned_at": moment, "size": len(messages)}
        shared = {name: getattr(pack, name) for name in _COPIED}
        (new,) = connection.scalars(_ADD, [shared | later])
        connection.execute(
            update_table(Message)
            .where(Message.id.in_(messages))
            .values(dispatch_id=new, reason=Reason.OUTSIDE_HOURS)
        )
        _keep_attempts(connection, pack, [new])
        _shrink(connection, pack, len(messages))


def _move(connection: Connection, pack: Row[Any], parts: Sequence[Sequence[int]]) -> None:
    """Give each part a dispatch of its own. A pack without open messages is left to whoever delivers."""
    if not parts:
        connection.execute(update_table(Dispatch).where(Dispatch.id == pack.id).values(phase="waiting"))
        return
    shared = {name: getattr(pack, name) for name in _COPIED} | {"phase": "waiting"}
    numbers = list(connection.scalars(_ADD, [{**shared, "size": len(part)} for part in parts]))
    _keep_attempts(connection, pack, numbers)
    pairs = [(one, number) for number, part in zip(numbers, parts, strict=True) for one in part]
    if connection.dialect.name == "postgresql":
        lists = {"messages": [one for one, _ in pairs], "dispatches": [number for _, number in pairs]}
        connection.execute(_MOVE_AT_ONCE, lists)
    else:
        connection.execute(_MOVE, [{"message": one, "new_dispatch": number} for one, number in pairs])
    _shrink(connection, pack, len(pairs))


def _keep_attempts(connection: Connection, pack: Row[Any], new: Sequence[int]) -> None:
    """Give what was tried before its hours were over to those that leave a pack."""
    if pack.attempt:
        copy_attempts(connection, pack.id, new)


def _shrink(connection: Connection, pack: Row[Any], by: int) -> None:
    """Let a pack have so many messages less; with its last one it goes."""
    old = Dispatch.id == pack.id
    connection.execute(update_table(Dispatch).where(old).values(size=Dispatch.size - by))
    if connection.execute(delete(Dispatch).where(old, Dispatch.size == 0)).rowcount and pack.attempt:
        told = Attempt.dispatch_id == pack.id, Attempt.message_id.is_(None)
        connection.execute(delete(Attempt).where(*told))


def _open_in(pack: Row[Any]) -> tuple[Any, ...]:
    return Message.dispatch_id == pack.id, Message.status == Status.QUEUED


def _of(number: int) -> tuple[Any, ...]:
    return Dispatch.campaign_id == number, Dispatch.lane == Lane.BULK


def _packed(number: int) -> tuple[Any, ...]:
    return *_of(number), _OPEN, Dispatch.phase == PACKED
