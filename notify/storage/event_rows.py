"""Many events and many moved messages in one statement each: JSON in PostgreSQL, row by row in SQLite."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Connection,
    Select,
    String,
    any_,
    bindparam,
    func,
    select,
    text,
    update,
)

from notify.domain.event_moves import Move
from notify.domain.events import LONGEST_EVENT_ID, ProviderEvent
from notify.domain.status import Status
from notify.storage.columns import UtcDateTime
from notify.storage.event_tables import ProviderEventRow
from notify.storage.json_rows import to_json
from notify.storage.tables import Message
from notify.storage.upserts import upsert_into

_DETAIL_LENGTH: Final = 300
_LONGEST_THEIRS: Final = 128

_EVENT_TYPES: Final = {
    "provider": "text", "event_id": "text", "kind": "text", "message_id": "bigint",
    "at": "timestamptz", "received_at": "timestamptz", "detail": "text", "hard": "boolean",
}  # fmt: skip
_MOVE_TYPES: Final = {
    "number": "bigint", "new_status": "text", "new_detail": "text", "new_at": "timestamptz",
    "new_provider": "text", "theirs": "text",
}  # fmt: skip


def _given(types: dict[str, str]) -> str:
    """Return what reads rows of these columns out of one JSON value, which costs the driver least."""
    declared = ", ".join(f"{name} {kind}" for name, kind in types.items())
    return f"json_to_recordset(CAST(:rows AS json)) AS given ({declared})"


# Only names from the tables above are put into these texts.
_ADD: Final = text(
    f"INSERT INTO provider_events ({', '.join(_EVENT_TYPES)})"  # noqa: S608
    f" SELECT * FROM {_given(_EVENT_TYPES)} ON CONFLICT DO NOTHING RETURNING provider, event_id"
).bindparams(bindparam("rows", type_=String))
_MOVE: Final = text(
    "UPDATE messages SET status = new_status, reason = NULL, detail = new_detail, updated_at = new_at,"  # noqa: S608
    " provider = coalesce(provider, new_provider),"
    " provider_message_id = coalesce(provider_message_id, theirs)"
    f" FROM {_given(_MOVE_TYPES)} WHERE id = number"
).bindparams(bindparam("rows", type_=String))
_MOVE_ONE: Final = (
    update(Message)
    .where(Message.id == bindparam("number"))
    .values(
        status=bindparam("new_status"),
        reason=None,
        detail=bindparam("new_detail"),
        updated_at=bindparam("new_at", type_=UtcDateTime()),
        provider=func.coalesce(Message.provider, bindparam("new_provider")),
        provider_message_id=func.coalesce(Message.provider_message_id, bindparam("theirs")),
    )
)


def add_events(
    connection: Connection, events: Sequence[tuple[int | None, ProviderEvent]], now: datetime
) -> set[tuple[str, str]]:
    """Store events that are not there yet; return provider and id of each that was stored.

    In the order of their ids, so that two who store the same ones wait for each other and do not deadlock.
    """
    rows = sorted(
        (
            {
                "provider": event.provider,
                "event_id": event.event_id[:LONGEST_EVENT_ID],
                "kind": event.kind.value,
                "message_id": number,
                "at": event.at,
                "received_at": now,
                "detail": _stored(event.detail),
                "hard": event.hard,
            }
            for number, event in events
        ),
        key=lambda row: (row["provider"], row["event_id"]),
    )
    if not rows:
        return set()
    if connection.dialect.name == "postgresql":
        found = connection.execute(_ADD, {"rows": to_json(rows)})
    else:
        found = connection.execute(
            upsert_into(connection, ProviderEventRow)
            .on_conflict_do_nothing(index_elements=["provider", "event_id"])
            .returning(ProviderEventRow.provider, ProviderEventRow.event_id),
            rows,
        )
    return {(provider, event_id) for provider, event_id in found.all()}


def move_messages(connection: Connection, moves: Sequence[Move], now: datetime) -> None:
    """Write the new statuses of locked messages, with the provider's id where the call's answer was lost."""
    rows = [
        {
            "number": one.message.message_id,
            "new_status": one.status.value,
            "new_detail": _stored(one.event.detail),
            "new_at": min(one.event.at, now),
            "new_provider": one.event.provider,
            "theirs": _theirs(one),
        }
        for one in moves
    ]
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        connection.execute(_MOVE, {"rows": to_json(rows)})
    else:
        connection.execute(_MOVE_ONE, rows)


def with_numbers(connection: Connection, query: Select[Any], numbers: Collection[int]) -> Select[Any]:
    """Narrow a query to these messages: one array in PostgreSQL, one JSON text in SQLite."""
    if connection.dialect.name == "postgresql":
        array = bindparam("numbers", list(numbers), type_=ARRAY(BigInteger))
        return query.where(Message.id == any_(array))
    given = func.json_each(json.dumps(list(numbers))).table_valued("value")
    return query.where(Message.id.in_(select(given.c.value)))


def _theirs(move: Move) -> str | None:
    lost = move.message.status in {Status.UNKNOWN, Status.SENDING}
    theirs = move.event.provider_message_id
    return theirs[:_LONGEST_THEIRS] if lost and theirs else None


def _stored(detail: str | None) -> str | None:
    """Return a provider's words without what PostgreSQL cannot store: NUL, and halves of surrogate pairs."""
    if not detail:
        return None
    return detail[:_DETAIL_LENGTH].replace("\0", "").encode(errors="replace").decode()
