"""Lists newest first, page by page, by the number of the row (keyset): as fast at the end as at the start."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, func, select

from notify.storage import cursors

SPAN: Final = 100_000
"""How many numbers one page looks through at most where a filter has no index."""


def newest_first(
    connection: Connection,
    query: Select[Any],
    number: Any,  # noqa: ANN401 - a mapped column
    cursor: str | None,
    limit: int,
    *,
    sparse: bool = False,
) -> tuple[Sequence[Row[Any]], str | None]:
    """Return the rows after the cursor, `limit` at most, and the cursor of what is left.

    `sparse`: what the query looks for may be rare among millions, and has no index. One page then looks
    through `SPAN` numbers only, and may be short, or empty, with more to come.
    """
    listed = number.class_.__tablename__
    before = cursors.decode(listed, cursor)
    end = 0
    if sparse:
        top = connection.scalar(select(func.max(number))) or 0
        before = min(before or top + 1, top + 1)
        end = max(before - SPAN, 0)
        query = query.where(number >= end)
    if before is not None:
        query = query.where(number < before)
    rows = connection.execute(query.order_by(None).order_by(number.desc()).limit(limit + 1)).all()
    if len(rows) > limit:
        return rows[:limit], cursors.encode(listed, rows[limit - 1].id)
    return rows, cursors.encode(listed, end) if end else None
