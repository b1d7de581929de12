"""Campaigns as callers see them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, select

from notify.domain import ids
from notify.domain.catalogue import Catalogue
from notify.domain.errors import NotFoundError
from notify.domain.times import rfc3339, rfc3339_or_none
from notify.domain.views import CampaignView, Page
from notify.ports import Clock
from notify.storage.campaign_progress import read_progress
from notify.storage.campaign_tables import Campaign
from notify.storage.engine import transaction
from notify.storage.paging import newest_first

_SHOWN = tuple(column for column in Campaign.__table__.c if column.name != "pinned")


class SqlCampaignLookups:
    """Implements `store.lookups.CampaignLookups`."""

    def __init__(self, engine: Engine, catalogue: Catalogue, clock: Clock) -> None:
        self._engine = engine
        self._catalogue = catalogue
        self._clock = clock

    def campaign(self, campaign_id: str) -> CampaignView:
        """Return one campaign."""
        number = ids.number_of(ids.CAMPAIGN, campaign_id)
        with transaction(self._engine, write=False) as connection:
            rows = connection.execute(select(*_SHOWN).where(Campaign.id == number)).all()
            if not rows:
                raise NotFoundError("no campaign of that id")
            return self._views(connection, rows, self._clock())[0]

    def campaigns(self, *, status: str | None = None, cursor: str | None = None, limit: int = 50) -> Page:
        """Return campaigns, newest first."""
        query = select(*_SHOWN)
        if status is not None:
            query = query.where(Campaign.status == status)
        with transaction(self._engine, write=False) as connection:
            rows, following = newest_first(connection, query, Campaign.id, cursor, limit)
            return {"items": self._views(connection, rows, self._clock()), "next_cursor": following}

    def _views(self, connection: Connection, rows: Sequence[Row[Any]], now: datetime) -> list[CampaignView]:
        progress = read_progress(connection, [row.id for row in rows], now) if rows else {}
        return [self._view(row, progress[row.id]) for row in rows]

    def _view(self, row: Row[Any], progress: dict[str, int]) -> CampaignView:
        return {
            "id": ids.public(ids.CAMPAIGN, row.id),
            "name": row.name,
            "topic": self._catalogue.name_of(row.topic) or str(row.topic),
            "channels": list(row.channels),
            "template": row.template,
            "content": row.content,
            "audience": row.audience,
            "throttle": row.throttle,
            "test": row.test,
            "status": row.status,
            "reason": row.reason,
            "send_at": row.send_at,
            "timezone": row.timezone,
            "send_past": row.send_past,
            "expires_at": rfc3339_or_none(row.expires_at),
            "created_at": rfc3339(row.created_at),
            "started_at": rfc3339_or_none(row.started_at),
            "finished_at": rfc3339_or_none(row.finished_at),
            "progress": progress,
        }
