"""Which messages of a campaign have a status: found by indexes, however many messages it has."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, literal_column, select, union_all

from notify.domain.campaigns import NOBODY
from notify.storage.reading_messages import effective_status
from notify.storage.tables import Dispatch, Message

_QUEUED: Final[ColumnElement[str]] = literal_column("'queued'")
"""In so many words, as the partial index has it: only then does PostgreSQL see that the index serves."""


def newest_with_status(
    campaign: int, status: str, before: int | None, limit: int, now: datetime
) -> Select[Any]:
    """Select the numbers of the newest messages of a campaign with a status, older than `before`.

    Those that have it by themselves and those that share it with their dispatch are looked for apart: the
    first are few and have an index, of the second the newest are found soon.
    """
    query = select(Message.id).where(Message.campaign_id == campaign, Message.recipient_id != NOBODY)
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
