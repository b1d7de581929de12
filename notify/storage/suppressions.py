"""Addresses that are barred; every change is journalled outside the database as well."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from notify.domain.catalogue import Channel
from notify.domain.consent import Scope
from notify.domain.journal import barred_line, lifted_line
from notify.domain.suppressions import DISPUTED, PAUSE, Suppressed
from notify.ports import Vault
from notify.storage.address_hashes import hash_address
from notify.storage.confirmations import SqlConfirmations
from notify.storage.consent_tables import Suppression
from notify.storage.journal_lines import add_lines
from notify.storage.upserts import upsert_into

MASKED_FIELD: Final = "suppressions.masked"


class SqlSuppressions:
    """Reads and writes suppressions."""

    def __init__(self, connection: Connection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault

    def bar(
        self,
        channel: Channel,
        address_hash: bytes,
        scope: Scope,
        *,
        reason: str,
        masked: str | None,
        now: datetime,
        until: datetime | None = None,
        paused_by: int | None = None,
    ) -> int:
        """Bar an address for a reason, once for each; a repetition can only widen or prolong it.

        But who alone wanted a pause may shorten it. What waits to be confirmed through the address ends,
        unless it is a pause.
        """
        statement = upsert_into(self._connection, Suppression).values(
            address_hash=address_hash,
            channel=channel,
            scope=scope,
            reason=reason,
            masked_sealed=self._vault.seal(MASKED_FIELD, masked) if masked else None,
            created_at=now,
            expires_at=until,
            paused_by=paused_by,
        )
        number, ends = self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=["address_hash", "channel", "reason"], set_=_repeated(statement)
            ).returning(Suppression.id, Suppression.expires_at)
        ).one()
        if reason != PAUSE:
            waiting = SqlConfirmations(self._connection, self._vault)
            waiting.end_through([address_hash], now, every=reason == DISPUTED)
        line = barred_line(channel, address_hash, reason, scope=scope, at=now, until=ends)
        add_lines(self._connection, [line])
        return int(number)

    def paused_by(self, recipient_id: int) -> list[tuple[Channel, bytes]]:
        """Return what is paused because this person wanted it, and nobody else."""
        rows = self._connection.execute(
            select(Suppression.channel, Suppression.address_hash).where(*_paused_by(recipient_id))
        )
        return [(Channel(channel), value) for channel, value in rows]

    def of(self, channel: Channel, hashes: Collection[bytes]) -> list[Suppressed]:
        """Return what bars these addresses, oldest first."""
        if not hashes:
            return []
        rows = self._connection.execute(
            select(Suppression.__table__)
            .where(Suppression.address_hash.in_(hashes), Suppression.channel == channel)
            .order_by(Suppression.id)
        )
        return [_suppressed(row) for row in rows]

    def hash_of(self, channel: Channel, address: str) -> bytes:
        """Return the keyed hash of an address."""
        return hash_address(self._vault, channel, address)

    def numbered(self, number: int) -> Suppressed | None:
        """Return one suppression."""
        row = self._connection.execute(
            select(Suppression.__table__).where(Suppression.id == number)
        ).one_or_none()
        return _suppressed(row) if row else None

    def drop(self, number: int) -> bool:
        """Lift one suppression."""
        return bool(self._delete(Suppression.id == number))

    def lift(self, channel: Channel, hashes: Collection[bytes], reason: str) -> list[Suppressed]:
        """Lift what bars these addresses for this reason."""
        wanted = (
            Suppression.address_hash.in_(hashes),
            Suppression.channel == channel,
            Suppression.reason == reason,
        )
        return self._delete(*wanted) if hashes else []

    def resume_of(self, recipient_id: int) -> None:
        """Lift what is paused because this person wanted it, and nobody else."""
        self._delete(*_paused_by(recipient_id))

    def over(self, now: datetime, limit: int) -> list[Suppressed]:
        """Return some whose end has come."""
        rows = self._connection.execute(
            select(Suppression.__table__)
            .where(Suppression.expires_at.is_not(None), Suppression.expires_at <= now)
            .order_by(Suppression.expires_at, Suppression.id)
            .limit(limit)
        )
        return [_suppressed(row) for row in rows]

    def end(self, numbers: Collection[int], now: datetime) -> int:
        """Delete these, but for those whose end has been moved meanwhile."""
        return len(self._delete(Suppression.id.in_(numbers), Suppression.expires_at <= now))

    def unmask(self, hashes: Collection[bytes]) -> None:
        """Forget what is left of these addresses in writing, whatever bars them."""
        numbers = self._locked(Suppression.address_hash.in_(hashes))
        self._connection.execute(
            update(Suppression).where(Suppression.id.in_(numbers)).values(masked_sealed=None)
        )

    def _locked(self, *wanted: Any) -> Sequence[int]:  # noqa: ANN401 - conditions
        """Lock rows in the order in which they are made: whoever moves a pause along holds no gates off."""
        ordered = (Suppression.channel, Suppression.address_hash, Suppression.reason)
        query = select(Suppression.id).where(*wanted).order_by(*ordered).with_for_update()
        return self._connection.scalars(query).all()

    def _delete(self, *wanted: Any) -> list[Suppressed]:  # noqa: ANN401 - conditions
        numbers = self._locked(*wanted)
        if not numbers:
            return []
        rows = self._connection.execute(
            delete(Suppression).where(Suppression.id.in_(numbers)).returning(Suppression.__table__)
        )
        lifted = [_suppressed(row) for row in rows]
        add_lines(
            self._connection, [lifted_line(one.channel, one.address_hash, one.reason) for one in lifted]
        )
        return lifted


def _repeated(statement: postgresql.Insert | sqlite.Insert) -> dict[str, ColumnElement[Any]]:
    """Return what becomes of a suppression that is asked for once more.

    Whose pause it is may shorten it. Where those of several meet the latest end counts, and it is nobody's.
    """
    given = statement.excluded
    same = Suppression.paused_by == given.paused_by
    later = case((Suppression.expires_at > given.expires_at, Suppression.expires_at), else_=given.expires_at)
    return {
        "scope": case((given.scope == Scope.ALL, Scope.ALL.value), else_=Suppression.scope),
        "expires_at": case((same, given.expires_at), else_=later),
        "paused_by": case((same, given.paused_by), else_=None),
    }


def _paused_by(recipient_id: int) -> tuple[ColumnElement[bool], ...]:
    return Suppression.paused_by == recipient_id, Suppression.reason == PAUSE


def _suppressed(row: Row[Any]) -> Suppressed:
    return Suppressed(
        row.id,
        Channel(row.channel),
        row.address_hash,
        Scope(row.scope),
        row.reason,
        row.created_at,
        row.expires_at,
    )
