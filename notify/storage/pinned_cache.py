"""The pinned texts of campaigns under way, read once for all of their batches."""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, select

from notify.domain.newsletters import Pinned
from notify.storage.campaign_tables import Campaign

_PINNED: Final = select(Campaign.pinned).where(Campaign.id == bindparam("campaign"))
_KEPT: Final = 16


class PinnedCache:
    """Keeps what was read last; what is pinned anew has another date. Safe for any number of threads."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, datetime | None], Pinned] = {}

    def get(self, connection: Connection, campaign_id: int, pinned_at: datetime | None) -> Pinned:
        """Return the texts of a campaign as they were pinned at `pinned_at`."""
        key = (campaign_id, pinned_at)
        found = self._kept.get(key)
        if found is None:
            found = Pinned.from_json(connection.execute(_PINNED, {"campaign": campaign_id}).scalar_one())
            if len(self._kept) >= _KEPT:
                self._kept = {}
            self._kept[key] = found
        return found
