"""Dispatches: claimed by a lease, locked at the gate, marked as being called, and recovered when lost."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import (
    Connection,
    bindparam,
    case,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.expression import Executable

from notify.domain.catalogue import Channel
from notify.domain.delivery import AtGate, Claimed, Correction, Hopeless, Record, Recovered
from notify.domain.errors import ConflictError
from notify.domain.explanations import LOST_AGAIN, LOST_IN_CALL
from notify.domain.requests import Lane
from notify.domain.status import Status
from notify.storage.columns import UtcDateTime
from notify.storage.engine import commit_without_waiting
from notify.storage.gate_rows import read_at_gate
from notify.storage.letters import Found, SqlLetters
from notify.storage.one_each import make_way
from notify.storage.prepared import Prepared, among
from notify.storage.recording import waiting_or_paused, write_records
from notify.storage.splitting import split
from notify.storage.tables import Attempt, Dispatch, Heartbeat, Message
from notify.storage.upserts import upsert_into

MOST_MESSAGES: Final = 1_000
"""How many messages are claimed at once, where several dispatches are."""

_MOST_LAPSES: Final = 20


def _claim(dialect: str) -> Executable:
    free = (
        select(Dispatch.id, Dispatch.size, Dispatch.due_at)
        .where(
            Dispatch.lane == bindparam("of_lane"),
            Dispatch.phase == "waiting",
            Dispatch.due_at <= bindparam("now", type_=UtcDateTime()),
            among(dialect, Dispatch.channel, "channels"),
        )
        .order_by(Dispatch.due_at, Dispatch.id)
        .limit(bindparam("most"))
        # In a CTE, so that PostgreSQL runs it once and never locks more than `most`.
        .with_for_update(skip_locked=True)
        .cte("free")
    )
    before = func.sum(free.c.size).over(order_by=(free.c.due_at, free.c.id)) - free.c.size
    in_line = select(free.c.id, before.label("before")).cte("in_line")
    return (
        update(Dispatch)
        .where(Dispatch.id.in_(select(in_line.c.id).where(in_line.c.before < MOST_MESSAGES)))
        .values(
            phase="claimed", claim=bindparam("token"), lease_until=bindparam("lease", type_=UtcDateTime())
        )
        .returning(
            Dispatch.id,
            Dispatch.lane,
            Dispatch.channel,
            Dispatch.attempt,
            Dispatch.planned_at,
            Dispatch.campaign_id,
        )
    )


_CLAIM: Final = Prepared(_claim)
_LOCK: Final = Prepared(
    lambda dialect: (
        select(Dispatch.id)
        .where(
            among(dialect, Dispatch.id, "numbers"),
            Dispatch.phase == "claimed",
            among(dialect, Dispatch.claim, "tokens"),
        )
        .order_by(Dispatch.id)
        .with_for_update()
    )
)
_START: Final = Prepared(
    lambda dialect: (
        update(Dispatch)
        .where(among(dialect, Dispatch.id, "numbers"))
        .values(
            phase="calling",
            provider=bindparam("called"),
            attempt=Dispatch.attempt + 1,
            lease_until=bindparam("lease", type_=UtcDateTime()),
            started_at=func.coalesce(Dispatch.started_at, bindparam("now", type_=UtcDateTime())),
        )
    )
)
_CORRECT: Final = (
    update(Message)
    .where(Message.id == bindparam("message"))
    .values(
        address_hash=bindparam("new_hash"),
        basis=bindparam("new_basis"),
        basis_consent_id=bindparam("new_consent"),
    )
)
_HOPELESS: Final = (
    select(
        Dispatch.id,
        Message.id,
        Message.recipient_id,
        Message.notification_id,
        Dispatch.channel,
        Dispatch.lane,
    )
    .join(Message, Message.dispatch_id == Dispatch.id)
    .where(
        Dispatch.phase == "claimed",
        Dispatch.lease_until < bindparam("now", type_=UtcDateTime()),
        Dispatch.lapses >= _MOST_LAPSES,
        Message.status == Status.QUEUED,
        Message.notification_id.is_not(None),
    )
)


class SqlDeliveries:
    """Reads and writes dispatches."""

    def __init__(self, connection: Connection, letters: SqlLetters) -> None:
        self._connection = connection
        self._letters = letters

    def claim(
        self,
        lane: Lane,
        channels: Collection[Channel],
        limit: int,
        now: datetime,
        lease_until: datetime,
    ) -> list[Claimed]:
        """Claim the oldest due dispatches that nobody else is claiming."""
        claim = str(uuid.uuid4())
        commit_without_waiting(self._connection)
        given: dict[str, Any] = {"of_lane": lane, "channels": list(channels), "most": limit, "now": now}
        given |= {"token": claim, "lease": lease_until}
        rows = sorted(_CLAIM.rows(self._connection, given), key=itemgetter(0))
        single = self._letters.of_notifications([number for number, *_, campaign in rows if campaign is None])
        return [self._claimed(row, claim, single) for row in rows]

    def _claimed(self, row: tuple[Any, ...], claim: str, single: Mapping[int, Found]) -> Claimed:
        number, lane, name, attempt, planned_at, campaign = row
        channel = Channel(name)
        if campaign is None:
            letters, unreadable = single.get(number, ([], []))
        else:
            letters, unreadable = self._letters.of_campaign(number, campaign, channel)
        return Claimed(number, claim, Lane(lane), channel, attempt + 1, planned_at, letters, unreadable)

    def split(self, claimed: Claimed, most: int) -> int:
        """Put a claimed dispatch back as several of `most` messages each; return how many they are."""
        return split(self._connection, claimed, most)

    def at_gate(self, claimed: Collection[Claimed]) -> list[AtGate]:
        """Lock what is still ours and not called yet; then read its messages, as they are now."""
        numbers = [one.dispatch_id for one in claimed]
        tokens = list({one.claim for one in claimed})
        ours = [one for (one,) in _LOCK.rows(self._connection, {"numbers": numbers, "tokens": tokens})]
        return read_at_gate(self._connection, ours) if ours else []

    def make_way(
        self, campaign_id: int, channel: Channel, moved: Mapping[int, bytes]
    ) -> tuple[set[int], set[int]]:
        """Return which messages must not go to the addresses they moved to, and which not yet."""
        return make_way(self._connection, campaign_id, channel, moved)

    def start_calls(
        self,
        calls: Mapping[int, str],
        now: datetime,
        lease_until: datetime,
        corrections: Sequence[Correction],
    ) -> None:
        """Mark locked dispatches as being called, and correct rows of their messages.

        ConflictError if their campaign came to such an address meanwhile.
        """
        by_provider: dict[str, list[int]] = {}
        for number, provider in calls.items():
            by_provider.setdefault(provider, []).append(number)
        for provider, numbers in by_provider.items():
            given = {"numbers": numbers, "called": provider, "now": now, "lease": lease_until}
            _START.run(self._connection, given)
        if corrections:
            self._correct(corrections)

    def _correct(self, corrections: Sequence[Correction]) -> None:
        given = [
            {
                "message": one.message_id,
                "new_hash": one.address_hash,
                "new_basis": one.basis,
                "new_consent": one.basis_consent_id,
            }
            for one in corrections
        ]
        try:
            self._connection.execute(_CORRECT, given)
        except IntegrityError:  # its detail holds a keyed hash
            raise ConflictError("an address was written to meanwhile") from None

    def record(self, records: Sequence[Record], now: datetime) -> set[int]:
        """Write what became of dispatches; return those that were changed."""
        return write_records(self._connection, records, now)

    def hopeless(self, now: datetime) -> list[Hopeless]:
        """Return the messages of notifications that `recover` will give up; nothing is locked yet."""
        rows = self._connection.execute(_HOPELESS, {"now": now})
        return [
            Hopeless(dispatch, message, recipient, notification or 0, Channel(channel), Lane(lane))
            for dispatch, message, recipient, notification, channel, lane in rows
        ]

    def recover(self, now: datetime) -> Recovered:
        """Put lapsed claims back in the queue; end lapsed calls as `unknown`: nobody knows what came of them.

        A dispatch whose claim lapses again and again is what kills its workers; it ends as failed.
        """
        returned, given_up = self._return_claims(now)
        lost = self._end_calls(now)
        return Recovered(returned, sum(lost.values()), given_up, list(lost))

    def _return_claims(self, now: datetime) -> tuple[int, list[int]]:
        """Return how many lapsed claims wait again, and the dispatches that ended."""
        again = Dispatch.lapses < _MOST_LAPSES
        rows = self._connection.execute(
            update(Dispatch)
            .where(Dispatch.phase == "claimed", Dispatch.lease_until < now)
            .values(
                phase=case((again, waiting_or_paused()), else_="done"),
                status=case((again, None), else_=Status.FAILED.value),
                detail=case((again, None), else_=LOST_AGAIN),
                settled_at=case((again, None), else_=bindparam("now", now, type_=UtcDateTime())),
                claim=None,
                lease_until=None,
                lapses=Dispatch.lapses + 1,
            )
            .returning(Dispatch.id, Dispatch.phase)
        ).all()
        given_up = [row.id for row in rows if row.phase == "done"]
        return len(rows) - len(given_up), given_up

    def _end_calls(self, now: datetime) -> dict[int, int]:
        """End lapsed calls, and note the attempt that each was; return the sizes of their dispatches."""
        ended = {"phase": "done", "lease_until": None, "settled_at": now}
        lost = self._connection.execute(
            update(Dispatch)
            .where(Dispatch.phase == "calling", Dispatch.lease_until < now)
            .values(**ended, status=Status.UNKNOWN, detail=LOST_IN_CALL)
            .returning(Dispatch.id, Dispatch.provider, Dispatch.size)
        ).all()
        if lost:
            made = {"at": now, "outcome": "unknown", "detail": LOST_IN_CALL}
            attempts = [{**made, "dispatch_id": row.id, "provider": row.provider} for row in lost]
            self._connection.execute(insert(Attempt), attempts)
        return {row.id: row.size for row in lost}

    def lanes_due(self, now: datetime) -> list[Lane]:
        """Return the lanes in which something waits that is due."""
        due = (Dispatch.phase == "waiting", Dispatch.due_at <= now)
        waits = [exists().where(Dispatch.lane == lane, *due).label(lane.value) for lane in Lane]
        row = self._connection.execute(select(*waits)).one()
        return [lane for lane in Lane if getattr(row, lane.value)]

    def beat(self, name: str, now: datetime) -> None:
        """Note that a periodic task ran."""
        beat = upsert_into(self._connection, Heartbeat).values(name=name, beat_at=now)
        self._connection.execute(beat.on_conflict_do_update(index_elements=["name"], set_={"beat_at": now}))
