"""Suppressions as callers see them: addresses masked, never opened."""

from typing import Any, Final

from sqlalchemy import Engine, Row, select

from notify.domain import ids
from notify.domain.catalogue import Channel
from notify.domain.errors import NotFoundError
from notify.domain.times import rfc3339, rfc3339_or_none
from notify.domain.views import Page, SuppressionView
from notify.ports import Vault
from notify.storage.consent_tables import Suppression
from notify.storage.engine import transaction
from notify.storage.paging import newest_first
from notify.storage.suppressions import MASKED_FIELD

_NOTHING_KNOWN: Final = "•••"
"""Of an address that only its hash is known of, as after an erasure."""


class SqlSuppressionLookups:
    """Implements `store.lookups.SuppressionLookups`."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault

    def suppression(self, number: int) -> SuppressionView:
        """Return one of them."""
        with transaction(self._engine, write=False) as connection:
            row = connection.execute(
                select(Suppression.__table__).where(Suppression.id == number)
            ).one_or_none()
        if row is None:
            raise NotFoundError("no suppression of that id")
        return self._view(row)

    def suppressions(
        self,
        *,
        channel: str | None = None,
        reason: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page:
        """Return them, newest first."""
        query = select(Suppression.__table__)
        if channel is not None:
            query = query.where(Suppression.channel == channel)
        if reason is not None:
            query = query.where(Suppression.reason == reason)
        with transaction(self._engine, write=False) as connection:
            rows, following = newest_first(
                connection,
                query,
                Suppression.id,
                cursor,
                limit,
                sparse=channel is not None or reason is not None,
            )
        return {"items": [self._view(row) for row in rows], "next_cursor": following}

    def of_address(self, channel: Channel, address_hash: bytes) -> list[SuppressionView]:
        """Return what bars one address, oldest first."""
        query = select(Suppression.__table__).where(
            Suppression.address_hash == address_hash, Suppression.channel == channel
        )
        with transaction(self._engine, write=False) as connection:
            rows = connection.execute(query.order_by(Suppression.id)).all()
        return [self._view(row) for row in rows]

    def _view(self, row: Row[Any]) -> SuppressionView:
        sealed = row.masked_sealed
        return {
            "id": ids.public(ids.SUPPRESSION, row.id),
            "channel": row.channel,
            "address": self._vault.open(MASKED_FIELD, sealed) if sealed else _NOTHING_KNOWN,
            "scope": row.scope,
            "reason": row.reason,
            "created_at": rfc3339(row.created_at),
            "until": rfc3339_or_none(row.expires_at),
        }
