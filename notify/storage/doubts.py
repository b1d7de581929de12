"""Dispatches whose call broke off, as the settlement sees them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, bindparam, func, literal_column, or_, select, update

from notify.domain.catalogue import Channel
from notify.domain.doubts import Doubt
from notify.domain.errors import VaultError
from notify.domain.requests import Lane
from notify.domain.status import Reason, Status
from notify.ports import Vault
from notify.storage.columns import UtcDateTime
from notify.storage.letters import TO_FIELD
from notify.storage.recipients import SEALED
from notify.storage.tables import Attempt, Dispatch, Message, Notification, Recipient

NEVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""Of a dispatch that is done, `due_at` says when it is looked at again."""

_MOMENT: Final = UtcDateTime()

_COLUMNS: Final[Sequence[Any]] = (
    Dispatch.id.label("dispatch_id"),
    Dispatch.lane,
    Dispatch.provider,
    Dispatch.settled_at,
    Dispatch.planned_at,
    Message.id,
    Message.recipient_id,
    Message.notification_id,
    Message.channel,
    Message.topic,
    Message.address_hash,
    Message.to_sealed,
    Notification.expires_at,
    Recipient.email_hash,
    Recipient.email_sealed,
    Recipient.phone_hash,
    Recipient.phone_sealed,
    select(func.count())
    .where(Attempt.dispatch_id == Dispatch.id, Attempt.outcome == "unknown")
    .scalar_subquery()
    .label("calls"),
)

# A message that has a status of its own is settled; those of a greater dispatch only events can settle.
_TAKE: Final = (
    select(*_COLUMNS)
    .join(Message, and_(Message.dispatch_id == Dispatch.id, Message.status == Status.QUEUED))
    .outerjoin(Notification, Notification.id == Message.notification_id)
    .outerjoin(Recipient, Recipient.id == Message.recipient_id)
    .where(
        Dispatch.status == literal_column("'unknown'"),  # as the index has it, for every plan
        Dispatch.phase == "done",
        Dispatch.size == 1,
        Dispatch.settled_at <= bindparam("before", type_=_MOMENT),
        Dispatch.due_at <= bindparam("now", type_=_MOMENT),
        or_(Dispatch.channel == Channel.SMS, Dispatch.campaign_id.is_(None)),
    )
    .order_by(Dispatch.due_at, Dispatch.id)
    .limit(bindparam("most"))
    .with_for_update(of=Dispatch, skip_locked=True)
)
_OPEN: Final = select(Message.id).where(Message.dispatch_id == Dispatch.id, Message.status == Status.QUEUED)


class SqlDoubts:
    """Reads and ends doubts."""

    def __init__(self, connection: Connection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault

    def take(self, before: datetime, limit: int, now: datetime) -> list[Doubt]:
        """Lock dispatches that are unknown since `before` or longer, and whose next look is due."""
        rows = self._connection.execute(_TAKE, {"before": before, "now": now, "most": limit})
        return [self._doubt(row) for row in rows]

    def look_again(self, dispatch_id: int, at: datetime | None) -> None:
        """Say when a dispatch is looked at next, if ever."""
        self._connection.execute(
            update(Dispatch)
            .where(Dispatch.id == dispatch_id, Dispatch.status == "unknown")
            .values(due_at=at or NEVER)
        )

    def send_again(self, dispatch_id: int, now: datetime) -> bool:
        """Queue a dispatch that is still unknown; without its claim, who made the first call has no say."""
        changed = self._connection.execute(
            update(Dispatch)
            .where(
                Dispatch.id == dispatch_id,
                Dispatch.status == "unknown",
                Dispatch.phase == "done",
                _OPEN.exists(),
            )
            .values(
                phase="waiting",
                due_at=now,
                claim=None,
                lease_until=None,
                status=None,
                detail=None,
                settled_at=None,
            )
            .returning(Dispatch.id)
        )
        return changed.first() is not None

    def close(self, doubt: Doubt, status: Status, detail: str, now: datetime) -> None:
        """End a message that is not to be sent again, as its notification was closed."""
        superseded = status is Status.SKIPPED
        self._connection.execute(
            update(Message)
            .where(Message.id == doubt.message_id, Message.status == Status.QUEUED)
            .values(
                status=status,
                reason=Reason.SUPERSEDED if superseded else None,
                detail=detail,
                updated_at=now,
            )
        )

    def _doubt(self, row: Row[Any]) -> Doubt:
        return Doubt(
            dispatch_id=row.dispatch_id,
            message_id=row.id,
            recipient_id=row.recipient_id,
            notification_id=row.notification_id,
            channel=Channel(row.channel),
            topic=row.topic,
            lane=Lane(row.lane),
            provider=row.provider or "",
            address=self._address(row),
            since=row.settled_at,
            planned_at=row.planned_at,
            expires_at=row.expires_at,
            calls=row.calls,
        )

    def _address(self, row: Row[Any]) -> str | None:
        """Return what it was sent to; neither a profile that has changed since tells, nor a lost key."""
        name = "email" if row.channel == Channel.EMAIL else "phone"
        sealed, current = getattr(row, f"{name}_sealed"), getattr(row, f"{name}_hash")
        try:
            if row.to_sealed:
                return self._vault.open(TO_FIELD, row.to_sealed)
            return self._vault.open(SEALED[name], sealed) if sealed and current == row.address_hash else None
        except VaultError:
            return None
