"""Parts a dispatch that is more than its provider takes in one call."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, bindparam, insert, select, update

from notify.domain.delivery import Claimed
from notify.domain.status import Status
from notify.storage.recording import copy_attempts, waiting_or_paused
from notify.storage.tables import Dispatch, Message

_COPIED: Final = ("campaign_id", "lane", "channel", "due_at", "planned_at", "attempt", "lapses", "started_at")
_ADD: Final = insert(Dispatch).returning(Dispatch.id, sort_by_parameter_order=True)
_MOVE: Final = (
    update(Message).where(Message.id == bindparam("message")).values(dispatch_id=bindparam("new_dispatch"))
)


def split(connection: Connection, claimed: Claimed, most: int) -> int:
    """Put a claimed dispatch back as several of `most` messages each; return how many they are.

    They keep their place in the queue. 0 if it is not ours any more.
    """
    row = connection.execute(
        select(*(getattr(Dispatch, name) for name in _COPIED))
        .where(
            Dispatch.id == claimed.dispatch_id, Dispatch.claim == claimed.claim, Dispatch.phase == "claimed"
        )
        .with_for_update()
    ).first()
    if row is None:
        return 0
    mine = select(Message.id).where(
        Message.dispatch_id == claimed.dispatch_id, Message.status == Status.QUEUED
    )
    open_ones = list(connection.scalars(mine.order_by(Message.id)))
    parts = [open_ones[start : start + most] for start in range(0, len(open_ones), most)]
    phase = connection.scalar(select(waiting_or_paused()).where(Dispatch.id == claimed.dispatch_id))
    if parts[1:]:
        alike = {**row._mapping, "phase": phase}  # noqa: SLF001 - SQLAlchemy's public name
        _move_out(connection, claimed.dispatch_id, alike, parts[1:])
    moved = sum(len(part) for part in parts[1:])
    connection.execute(
        update(Dispatch)
        .where(Dispatch.id == claimed.dispatch_id)
        .values(phase=phase, size=Dispatch.size - moved, claim=None, lease_until=None)
    )
    return max(1, len(parts))


def _move_out(
    connection: Connection, old: int, alike: dict[str, Any], parts: Sequence[Sequence[int]]
) -> None:
    """Give each part of the messages a dispatch of its own."""
    numbers = list(connection.scalars(_ADD, [{**alike, "size": len(part)} for part in parts]))
    copy_attempts(connection, old, numbers)
    connection.execute(
        _MOVE,
        [
            {"message": message, "new_dispatch": number}
            for number, part in zip(numbers, parts, strict=True)
            for message in part
        ],
    )
