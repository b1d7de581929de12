"""How far campaigns are: one statement, so that the numbers add up at every moment."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from sqlalchemy import CompoundSelect, Connection, case, func, select, text, union_all

from notify.domain.campaigns import CampaignStatus
from notify.domain.requests import Lane
from notify.domain.status import Status
from notify.storage.campaign_tables import Campaign
from notify.storage.statuses import fate
from notify.storage.tables import Dispatch, Message

PENDING: Final = "pending"
"""Messages that are still to be made."""


_BY_HASHES: Final = text("SET LOCAL enable_hashjoin = on")


def read_progress(
    connection: Connection, numbers: Collection[int], now: datetime
) -> dict[int, dict[str, int]]:
    """Count the messages of campaigns by status, `pending` and `total` among them.

    Each dispatch counts for all of its messages but those that have a status of their own: a million
    messages are counted by looking at a thousand rows. What was never made of a campaign that is over counts
    as cancelled, or as expired.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_BY_HASHES)  # a million messages of a thousand dispatches may have their own
    found: dict[int, dict[str, int]] = {number: {"total": 0, PENDING: 0} for number in numbers}
    for number, status, count in connection.execute(_counts(numbers, now)):
        parts = found[number]
        parts[status] = parts.get(status, 0) + int(count)
        parts["total"] += int(count)
    return {
        number: {name: count for name, count in parts.items() if count or name in {"total", PENDING}}
        for number, parts in found.items()
    }


def _counts(numbers: Collection[int], now: datetime) -> CompoundSelect[Any]:
    """Select campaign, status and count, to be added up; below 0 where messages are not as their dispatch."""
    still_to_come = select(
        Campaign.id,
        case(
            (Campaign.status == CampaignStatus.CANCELLED, Status.CANCELLED.value),
            (Campaign.pumped, Status.EXPIRED.value),
            else_=PENDING,
        ),
        Campaign.pending,
    ).where(Campaign.id.in_(numbers))
    shared = (
        select(Dispatch.campaign_id, fate(now).label("fate"), func.sum(Dispatch.size))
        .where(Dispatch.campaign_id.in_(numbers), Dispatch.lane == Lane.BULK)
        .group_by(Dispatch.campaign_id, "fate")
    )
    apart = (
        select(
            Message.campaign_id,
            Message.status,
            case((Message.dispatch_id.is_not(None), fate(now))).label("fate"),
            # Tests are left out here and not in WHERE, where PostgreSQL would take it as a hint to the index
            # of all messages, instead of that of the few with a status of their own.
            func.sum(case((Message.to_sealed.is_(None), 1), else_=0)).label("count"),
        )
        .outerjoin(Dispatch, Dispatch.id == Message.dispatch_id)
        .where(Message.campaign_id.in_(numbers), Message.status != Status.QUEUED)
        .group_by(Message.campaign_id, Message.status, "fate")
        .cte("apart")
    )
    own = select(apart.c.campaign_id, apart.c.status, apart.c.count)
    not_shared = select(apart.c.campaign_id, apart.c.fate, -apart.c.count).where(apart.c.fate.is_not(None))
    return union_all(still_to_come, shared, own, not_shared)
