"""The pinned texts of campaigns under way, read once for all of their batches."""

from typing import Final

from sqlalchemy import Connection, bindparam, select

from notify.domain.newsletters import Pinned
from notify.storage.campaign_tables import Campaign

_PINNED: Final = select(Campaign.pinned).where(Campaign.id == bindparam("campaign"))
_KEPT: Final = 16


class PinnedCache:
    """Keeps what was read last. Safe for any number of threads."""

    def __init__(self) -> None:
        self._kept: dict[int, Pinned] = {}

    def get(self, connection: Connection, campaign_id: int, *, started: bool) -> Pinned:
        """Return the texts of a campaign; once it has started, nothing can pin others."""
        found = self._kept.get(campaign_id) if started else None
        if found is None:
            found = Pinned.from_json(connection.execute(_PINNED, {"campaign": campaign_id}).scalar_one())
            if started:
                if len(self._kept) >= _KEPT:
                    self._kept = {}
                self._kept[campaign_id] = found
        return found
