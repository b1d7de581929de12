"""Which messages of a campaign have a status: found by indexes, however many messages it has."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    union_all,
    update,
)

from notify.domain.campaigns import NOBODY
from notify.storage.campaign_tables import Campaign
from notify.storage.statuses import effective_status
from notify.storage.tables import Dispatch, Message

_QUEUED: Final[ColumnElement[str]] = literal_column("'queued'")
"""In so many words, as the partial index has it: only then does PostgreSQL see that the index serves."""
_HIGHEST: Final = select(func.max(Message.id))
_NOTE_BOUNDS: Final = (
    update(Campaign)
    .where(Campaign.id == bindparam("campaign"))
    .where(or_(Campaign.messages_after.is_not(None), Campaign.cursor == 0))
    .values(
        messages_after=func.coalesce(Campaign.messages_after, bindparam("before")),
        messages_up_to=_HIGHEST.scalar_subquery(),
    )
)


@contextmanager
def bounded(connection: Connection, campaign: int) -> Iterator[None]:
    """Note between which numbers the messages lie that are made meanwhile: the highest before and after.

    Of a campaign whose first ones were made when nobody noted that, nothing is: they lie outside of what is.
    """
    before = connection.scalar(_HIGHEST) or 0
    yield
    connection.execute(_NOTE_BOUNDS, {"campaign": campaign, "before": before})


def messages_of(connection: Connection, campaign: int) -> ColumnElement[bool]:
    """Select a campaign's messages but tests.

    With the bounds of their numbers, the newest are found at once under a million that are newer.
    """
    query = select(Campaign.messages_after, Campaign.messages_up_to).where(Campaign.id == campaign)
    found = connection.execute(query).first()
    after, up_to = (found.messages_after, found.messages_up_to) if found else (None, None)
    mine = and_(Message.campaign_id == campaign, Message.recipient_id != NOBODY)
    return mine if up_to is None else and_(mine, Message.id > (after or 0), Message.id <= up_to)


def newest_with_status(
    mine: ColumnElement[bool], campaign: int, status: str, *, before: int | None, limit: int, now: datetime
) -> Select[Any]:
    """Select the numbers of the newest of `mine`, a campaign's, with a status, older than `before`.

    Those that have it by themselves and those that share it with their dispatch are looked for apart: the
    first are few and have an index, of the second the newest are found soon.
    """
    query = select(Message.id).where(mine)
    if before is not None:
        query = query.where(Message.id < before)
    own = query.where(Message.status != _QUEUED, Message.status == status)
    shared = (
        query.join(Dispatch, Dispatch.id == Message.dispatch_id)
        .where(Dispatch.campaign_id == campaign, Message.status == _QUEUED)
        .where(effective_status(now) == status)
    )
    newest = (one.order_by(Message.id.desc()).limit(limit).subquery() for one in (own, shared))
    return select(union_all(*(select(one.c.id) for one in newest)).subquery().c.id)
