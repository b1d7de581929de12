"""Deliveries to the shop's webhook endpoints: claimed by a lease, written down, told again, forgotten."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    delete,
    exists,
    insert,
    literal,
    literal_column,
    or_,
    select,
    update,
)

from notify.domain.outbound import ANY_MESSAGE, EVERYTHING, OutboundEvent
from notify.domain.webhook_calls import Called, Phase, Waiting
from notify.storage.columns import UtcDateTime
from notify.storage.engine import commit_without_waiting
from notify.storage.outbound_rows import delivery_row, event_row
from notify.storage.outbound_tables import WebhookDelivery, WebhookEndpoint, WebhookEvent
from notify.store.webhooks import Replay

_AT_ONCE: Final = 50_000
_DETAIL_LENGTH: Final = 200

OPEN: Final[ColumnElement[bool]] = literal_column("webhook_deliveries.phase IN ('waiting', 'calling')")
"""In so many words, as the partial index has it: only then does PostgreSQL see that the index serves."""

_IS_DUE: Final = (
    OPEN,
    WebhookDelivery.due_at <= bindparam("now", type_=UtcDateTime()),
)
_DUE: Final = (
    select(WebhookEndpoint.id)
    .where(
        WebhookEndpoint.disabled_at.is_(None),
        exists().where(WebhookDelivery.endpoint_id == WebhookEndpoint.id, *_IS_DUE),
    )
    .order_by(WebhookEndpoint.id)
)
_FREE: Final = (
    select(WebhookDelivery.id)
    .where(WebhookDelivery.endpoint_id == bindparam("endpoint"), *_IS_DUE)
    .order_by(WebhookDelivery.due_at, WebhookDelivery.id)
    .limit(bindparam("most"))
    # In a CTE, so that PostgreSQL runs it once and never locks more than `most`.
    .with_for_update(skip_locked=True)
    .cte("free")
)
_CLAIM: Final = (
    update(WebhookDelivery)
    .where(WebhookDelivery.id.in_(select(_FREE.c.id)))
    .values(
        phase=Phase.CALLING.value, claim=bindparam("token"), due_at=bindparam("lease", type_=UtcDateTime())
    )
    .returning(WebhookDelivery.id, WebhookDelivery.event_id, WebhookDelivery.attempts)
)
_OURS: Final = (WebhookDelivery.claim == bindparam("token"), WebhookDelivery.phase == Phase.CALLING.value)
_RECORD: Final = (
    update(WebhookDelivery)
    .where(WebhookDelivery.id == bindparam("number"), *_OURS)
    .values(
        phase=bindparam("new_phase"),
        due_at=bindparam("due", type_=UtcDateTime()),
        attempts=bindparam("made"),
        answer=bindparam("status"),
        detail=bindparam("why"),
        done_at=bindparam("done", type_=UtcDateTime()),
        claim=None,
    )
)
_ENDPOINT: Final = WebhookEndpoint.id == WebhookDelivery.endpoint_id
_FORLORN: Final = (
    select(WebhookDelivery.id)
    .where(
        OPEN,
        # What is being called at this moment is written down first.
        or_(
            WebhookDelivery.phase == Phase.WAITING.value,
            WebhookDelivery.due_at <= bindparam("now", type_=UtcDateTime()),
        ),
        WebhookDelivery.endpoint_id.in_(
            select(WebhookEndpoint.id).where(WebhookEndpoint.disabled_at.is_not(None))
        ),
    )
    .order_by(WebhookDelivery.id)
    .with_for_update(skip_locked=True)
    .cte("forlorn")
)
_GIVE_UP: Final = (
    update(WebhookDelivery)
    .where(WebhookDelivery.id.in_(select(_FORLORN.c.id)))
    .values(
        phase=Phase.GIVEN_UP.value,
        detail=select(WebhookEndpoint.disabled_because).where(_ENDPOINT).scalar_subquery(),
        done_at=bindparam("now", type_=UtcDateTime()),
        claim=None,
    )
)
_AGAIN: Final[Mapping[str, Any]] = {
    "phase": Phase.WAITING.value,
    "attempts": 0,
    "done_at": None,
    "answer": None,
    "detail": None,
}


class SqlWebhookDeliveries:
    """Reads and writes deliveries."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def due(self, now: datetime) -> list[int]:
        """Return the endpoints for which something is due."""
        return list(self._connection.scalars(_DUE, {"now": now}))

    def claim(
        self, most: Mapping[int, int], claim: str, now: datetime, lease_until: datetime
    ) -> dict[int, list[Waiting]]:
        """Claim the oldest that are due of each endpoint."""
        commit_without_waiting(self._connection)
        given = {"now": now, "token": claim, "lease": lease_until}
        rows = {
            endpoint: self._connection.execute(_CLAIM, {**given, "endpoint": endpoint, "most": count}).all()
            for endpoint, count in most.items()
        }
        events = self._events({row.event_id for some in rows.values() for row in some})
        return {
            endpoint: [
                Waiting(row.id, row.event_id, events[row.event_id], row.attempts)
                for row in sorted(some, key=lambda row: row.id)
            ]
            for endpoint, some in rows.items()
            if some
        }

    def hold(self, delivery_ids: Collection[int]) -> None:
        """Lock deliveries."""
        mine = WebhookDelivery.id.in_(delivery_ids)
        query = select(WebhookDelivery.id).where(mine).order_by(WebhookDelivery.id).with_for_update()
        self._connection.execute(query).all()

    def record(self, claim: str, called: Sequence[Called], now: datetime) -> None:
        """Write down what came of calls; a crash may take it back, and then they are made again."""
        commit_without_waiting(self._connection)
        if called:
            self._connection.execute(_RECORD, [_row(one, claim, now) for one in called])

    def give_back(self, claim: str, delivery_ids: Collection[int], now: datetime) -> None:
        """Let deliveries that were claimed and not called wait again."""
        waiting = update(WebhookDelivery).where(WebhookDelivery.id.in_(delivery_ids), *_OURS)
        values = {"phase": Phase.WAITING.value, "due_at": now, "claim": None}
        self._connection.execute(waiting.values(values), {"token": claim})

    def give_up_disabled(self, now: datetime) -> int:
        """Give up what waits for disabled endpoints; what others have locked is found the next time."""
        return self._connection.execute(_GIVE_UP, {"now": now}).rowcount

    def send_one(self, endpoint: int, event: OutboundEvent, now: datetime) -> int:
        """Keep an event for one endpoint alone."""
        added = insert(WebhookEvent).values(event_row(event)).returning(WebhookEvent.id)
        event_id = self._connection.execute(added).scalar_one()
        sent = insert(WebhookDelivery).values(delivery_row(event_id, endpoint, now))
        number: int = self._connection.execute(sent.returning(WebhookDelivery.id)).scalar_one()
        return number

    def replay(self, endpoint: int, events: Collection[str], which: Replay, now: datetime) -> int:
        """Let deliveries to an endpoint wait again, and make those that were never made.

        These come first: an erasure too locks events before their deliveries.
        """
        until = which.until or now
        wanted: list[ColumnElement[bool]] = [WebhookEvent.at >= which.since, WebhookEvent.at < until]
        if which.types is not None:
            wanted.append(WebhookEvent.type.in_(which.types))
        elif EVERYTHING not in events:
            kinds: list[ColumnElement[bool]] = [WebhookEvent.type.in_(sorted(events))]
            if ANY_MESSAGE in events:
                kinds.append(WebhookEvent.type.startswith("message."))
            wanted.append(or_(*kinds))
        made = 0 if which.failed_only else self._make_missing(endpoint, wanted, now)
        ended = [Phase.GIVEN_UP.value] if which.failed_only else [Phase.DONE.value, Phase.GIVEN_UP.value]
        again = (
            update(WebhookDelivery)
            .where(
                WebhookDelivery.endpoint_id == endpoint,
                WebhookDelivery.phase.in_(ended),
                WebhookDelivery.event_id.in_(select(WebhookEvent.id).where(*wanted)),
            )
            .values({**_AGAIN, "due_at": now})
        )
        return made + self._connection.execute(again).rowcount

    def replay_one(self, delivery_id: int, now: datetime) -> bool:
        """Let a delivery wait again."""
        free = WebhookDelivery.phase != Phase.CALLING.value
        again = update(WebhookDelivery).where(WebhookDelivery.id == delivery_id, free)
        found = again.values({**_AGAIN, "due_at": now}).returning(WebhookDelivery.id)
        return self._connection.scalar(found) is not None

    def drop_before(self, at: datetime) -> int:
        """Delete what is long over, some at a time; and what came for endpoints that were just deleted."""
        old = select(WebhookDelivery.id).where(WebhookDelivery.done_at < at)
        known = exists().where(_ENDPOINT)
        astray = select(WebhookDelivery.id).where(OPEN, ~known)
        told = exists().where(WebhookDelivery.event_id == WebhookEvent.id)
        over = select(WebhookEvent.id).where(WebhookEvent.at < at, ~told).with_for_update(skip_locked=True)
        gone = 0
        for row, which in ((WebhookDelivery, old), (WebhookDelivery, astray), (WebhookEvent, over)):
            some = which.limit(_AT_ONCE)
            gone += self._connection.execute(delete(row).where(row.id.in_(some))).rowcount
        return gone

    def _make_missing(self, endpoint: int, wanted: Sequence[ColumnElement[bool]], now: datetime) -> int:
        """Make deliveries of events that others were told of, or this endpoint before it was deleted."""
        has = exists().where(
            WebhookDelivery.event_id == WebhookEvent.id, WebhookDelivery.endpoint_id == endpoint
        )
        values = delivery_row(0, endpoint, now)
        columns = {
            name: WebhookEvent.id if name == "event_id" else literal(value, _type_of(name))
            for name, value in values.items()
        }
        missing = select(*columns.values()).where(*wanted, ~has).order_by(WebhookEvent.id)
        made = insert(WebhookDelivery).from_select(list(columns), missing).returning(WebhookDelivery.id)
        return len(self._connection.scalars(made).all())

    def _events(self, numbers: Collection[int]) -> dict[int, OutboundEvent]:
        if not numbers:
            return {}
        rows = self._connection.execute(
            select(WebhookEvent.__table__).where(WebhookEvent.id.in_(sorted(numbers)))
        )
        return {row.id: OutboundEvent(row.type, row.at, row.data) for row in rows}


def _type_of(column: str) -> Any:  # noqa: ANN401 - any column's type
    return WebhookDelivery.__table__.c[column].type


def _row(one: Called, claim: str, now: datetime) -> dict[str, Any]:
    return {
        "number": one.delivery_id,
        "token": claim,
        "new_phase": one.phase.value,
        "due": one.due_at,
        "made": one.attempts,
        "status": one.answer.status,
        "why": one.answer.detail[:_DETAIL_LENGTH] if one.answer.detail else None,
        "done": now if one.phase in {Phase.DONE, Phase.GIVEN_UP} else None,
    }
