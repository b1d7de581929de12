"""The tables of outbound webhooks: who is told what, and whether they were."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from notify.storage.columns import identity, partial_index
from notify.storage.tables import NEVER_REUSED, Base


class WebhookEndpoint(Base):
    """An address of the shop's that is told what happens. `events` names the types, `*` for all.

    After a rotation the secret before signs along until `secret_before_until`. `failing_since` is the first
    failure after the last success.
    """

    __tablename__ = "webhook_endpoints"
    __table_args__ = (NEVER_REUSED,)
    id: Mapped[int] = identity()
    url_sealed: Mapped[bytes]
    secret_sealed: Mapped[bytes]
    secret_before_sealed: Mapped[bytes | None]
    secret_before_until: Mapped[datetime | None]
    events: Mapped[list[Any]]
    description: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime]
    failing_since: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    disabled_because: Mapped[str | None] = mapped_column(String(200))


class WebhookEvent(Base):
    """One thing that happened, as endpoints are told it; no personal data.

    `recipient` is the shop's own id of whom it is about, to be found by when that person is erased.
    """

    __tablename__ = "webhook_events"
    __table_args__ = (NEVER_REUSED,)
    id: Mapped[int] = identity()
    type: Mapped[str] = mapped_column(String(48))
    at: Mapped[datetime] = mapped_column(index=True)
    data: Mapped[dict[str, Any]]
    recipient: Mapped[str | None] = mapped_column(String(128), index=True)


class WebhookDelivery(Base):
    """One event on its way to one endpoint. `phase` goes waiting → calling → done or given_up.

    `due_at` of one that is being called is the end of its lease. `answer` is the HTTP status of the last
    call, if there was one; `detail` what went wrong. No foreign key to its endpoint: to delete one must fail
    nobody who keeps an event for it at that moment.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        partial_index(
            "ix_webhook_deliveries_due",
            "endpoint_id",
            "due_at",
            "id",
            where="phase IN ('waiting', 'calling')",
        ),
        Index("ix_webhook_deliveries_endpoint", "endpoint_id", "id"),
        partial_index("ix_webhook_deliveries_done", "done_at", where="done_at IS NOT NULL"),
        NEVER_REUSED,
    )
    id: Mapped[int] = identity()
    event_id: Mapped[int] = mapped_column(ForeignKey("webhook_events.id"), index=True)
    endpoint_id: Mapped[int] = mapped_column(BigInteger)
    phase: Mapped[str] = mapped_column(String(16))
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(SmallInteger)
    answer: Mapped[int | None] = mapped_column(SmallInteger)
    detail: Mapped[str | None] = mapped_column(String(200))
    done_at: Mapped[datetime | None]
    claim: Mapped[str | None] = mapped_column(String(36))
    created_at: Mapped[datetime]
