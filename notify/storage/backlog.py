"""What waits in the database, since when, and whether the database can be used at all."""

from datetime import datetime

from sqlalchemy import Engine, case, func, select
from sqlalchemy.exc import SQLAlchemyError

from notify.domain.backlog import BacklogReport, LaneBacklog
from notify.domain.errors import UnavailableError
from notify.domain.requests import Lane
from notify.storage.engine import transaction
from notify.storage.migrate import is_current
from notify.storage.tables import Dispatch, Heartbeat

_NOT_DONE = ("waiting", "claimed", "calling")


class SqlBacklog:
    """Reads the state of the database for operators; counts only what is open, which indexes cover."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def report(self, now: datetime) -> BacklogReport:
        """Count what waits, by lane."""
        due = (Dispatch.phase == "waiting") & (Dispatch.due_at <= now)
        later = (Dispatch.phase == "waiting") & (Dispatch.due_at > now)
        lanes = (
            select(
                Dispatch.lane,
                func.sum(case((due, 1), else_=0)).label("due"),
                func.sum(case((later, 1), else_=0)).label("later"),
                func.sum(case((Dispatch.phase == "claimed", 1), else_=0)).label("claimed"),
                func.sum(case((Dispatch.phase == "calling", 1), else_=0)).label("calling"),
                func.min(case((due, Dispatch.due_at))).label("oldest_due_at"),
            )
            .where(Dispatch.phase.in_(_NOT_DONE))
            .group_by(Dispatch.lane)
        )
        with transaction(self._engine, write=False) as connection:
            found = {row.lane: row for row in connection.execute(lanes)}
            beats = {row.name: row.beat_at for row in connection.execute(select(Heartbeat.__table__))}
        return BacklogReport(
            lanes=[
                LaneBacklog(lane, row.due, row.later, row.claimed, row.calling, row.oldest_due_at)
                if (row := found.get(lane))
                else LaneBacklog(lane, 0, 0, 0, 0, None)
                for lane in Lane
            ],
            beats=beats,
        )

    def reachable(self) -> bool:
        """Ask the database for nothing in particular."""
        try:
            with transaction(self._engine, write=False) as connection:
                connection.execute(select(1))
        except (UnavailableError, SQLAlchemyError):
            return False
        return True

    def migrated(self) -> bool:
        """Compare the schema's revision with the newest migration."""
        try:
            return is_current(self._engine)
        except SQLAlchemyError:
            return False
