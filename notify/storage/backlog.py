"""What waits in the database, for operators."""

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, Engine, case, func, select
from sqlalchemy.exc import SQLAlchemyError

from notify.domain.backlog import BacklogReport, LaneBacklog, PostsBacklog, SmsUse
from notify.domain.campaigns import CampaignStatus
from notify.domain.requests import Lane
from notify.storage.alerts import open_alerts
from notify.storage.campaign_tables import Campaign
from notify.storage.engine import transaction
from notify.storage.event_tables import EventPost
from notify.storage.ledger_backlog import ledger_backlog
from notify.storage.migrate import is_current
from notify.storage.packs import PACKED
from notify.storage.retention import last_run
from notify.storage.sms_budget import SqlSmsBudget
from notify.storage.tables import Dispatch, Heartbeat
from notify.storage.webhook_backlog import webhooks_backlog

_NOT_OVER: Final = (CampaignStatus.SCHEDULED, CampaignStatus.SENDING, CampaignStatus.PAUSED)


class SqlBacklog:
    """Implements `ports.Backlog`."""

    def __init__(self, engine: Engine, sms_daily_limit: int | None = None) -> None:
        self._engine = engine
        self._sms_daily_limit = sms_daily_limit

    def report(self, now: datetime) -> BacklogReport:
        """Return every lane, when each periodic task last ran, and what else waits or is limited."""
        with transaction(self._engine, write=False) as connection:
            beats = connection.execute(select(Heartbeat.name, Heartbeat.beat_at))
            return BacklogReport(
                lanes=_lanes(connection, now),
                beats={name: beat_at for name, beat_at in beats},  # noqa: C416 - rows are not pairs to mypy
                sms=self._sms(connection, now),
                posts=_posts(connection),
                webhooks=webhooks_backlog(connection),
                alerts=open_alerts(connection),
                retention=last_run(connection),
                ledger=ledger_backlog(connection),
                campaigns=_campaigns(connection),
            )

    def _sms(self, connection: Connection, now: datetime) -> SmsUse | None:
        if self._sms_daily_limit is None:
            return None
        used = SqlSmsBudget(connection).used(now.astimezone(UTC).date())
        return SmsUse(used, self._sms_daily_limit)

    def reachable(self) -> bool:
        """Whether the database answers."""
        try:
            with self._engine.connect() as connection:
                connection.execute(select(1))
        except SQLAlchemyError:
            return False
        return True

    def migrated(self) -> bool:
        """Whether its schema is the one this code knows."""
        try:
            return is_current(self._engine)
        except SQLAlchemyError:
            return False


def _campaigns(connection: Connection) -> dict[str, int]:
    counts = select(Campaign.status, func.count()).group_by(Campaign.status)
    found = {status: count for status, count in connection.execute(counts)}  # noqa: C416 - rows are not pairs to mypy
    return {status: found.get(status, 0) for status in _NOT_OVER}


def _posts(connection: Connection) -> PostsBacklog:
    unread = EventPost.tries == 0
    query = select(
        func.count(case((unread, 1))),
        func.min(case((unread, EventPost.received_at))),
        func.count(case((~unread, 1))),
    )
    return PostsBacklog(*connection.execute(query).one())


def _lanes(connection: Connection, now: datetime) -> list[LaneBacklog]:
    """Count the open dispatches of each lane; of a pack, what is in it.

    In queries that each have an index of only what they ask for: the rest is all that was ever sent.
    """
    due = Dispatch.due_at <= now
    waiting = (
        select(
            Dispatch.lane,
            func.count(case((due, 1))).label("due"),
            func.count(case((~due, 1))).label("later"),
            func.min(case((due, Dispatch.due_at))).label("oldest_due_at"),
        )
        .where(Dispatch.phase == "waiting")
        .group_by(Dispatch.lane)
    )
    working = (
        select(Dispatch.lane, Dispatch.phase, func.count())
        .where(Dispatch.phase.in_(("claimed", "calling")))
        .group_by(Dispatch.lane, Dispatch.phase)
    )
    packs = (
        select(Dispatch.lane, func.sum(Dispatch.size))
        .where(Dispatch.campaign_id.is_not(None), Dispatch.phase == PACKED)
        .group_by(Dispatch.lane)
    )
    packed = {lane: int(count) for lane, count in connection.execute(packs)}
    found = {row.lane: row for row in connection.execute(waiting)}
    busy = {(lane, phase): count for lane, phase, count in connection.execute(working)}
    return [
        LaneBacklog(
            lane,
            row.due if (row := found.get(lane)) else 0,
            (row.later if row else 0) + packed.get(lane, 0),
            busy.get((lane, "claimed"), 0),
            busy.get((lane, "calling"), 0),
            row.oldest_due_at if row else None,
        )
        for lane in Lane
    ]
