"""The tables of outbound webhooks: who is told what, and whether they were."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Identity, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from notify.storage.columns import BigId
from notify.storage.tables import Base


class WebhookEndpoint(Base):
    """An address of the shop's that is told what happens. `events` names the types, `*` for all."""

    __tablename__ = "webhook_endpoints"
    id: Mapped[int] = mapped_column(BigId, Identity(), primary_key=True, autoincrement=True)
    url_sealed: Mapped[bytes]
    secret_sealed: Mapped[bytes]
    events: Mapped[list[Any]]
    description: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    disabled_because: Mapped[str | None] = mapped_column(String(200))


class WebhookEvent(Base):
    """One thing that happened, as endpoints are told it; no personal data."""

    __tablename__ = "webhook_events"
    id: Mapped[int] = mapped_column(BigId, Identity(), primary_key=True, autoincrement=True)
    type: Mapped[str] = mapped_column(String(48))
    at: Mapped[datetime] = mapped_column(index=True)
    data: Mapped[dict[str, Any]]


class WebhookDelivery(Base):
    """One event on its way to one endpoint. `phase` goes waiting → calling → done or given_up."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        Index(
            "ix_webhook_deliveries_due",
            "due_at",
            postgresql_where=text("phase IN ('waiting', 'calling')"),
            sqlite_where=text("phase IN ('waiting', 'calling')"),
        ),
        Index("ix_webhook_deliveries_endpoint", "endpoint_id", "id"),
    )
    id: Mapped[int] = mapped_column(BigId, Identity(), primary_key=True, autoincrement=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("webhook_events.id"), index=True)
    endpoint_id: Mapped[int] = mapped_column(ForeignKey("webhook_endpoints.id"))
    phase: Mapped[str] = mapped_column(String(16))
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(SmallInteger)
    answer: Mapped[int | None] = mapped_column(SmallInteger)
    detail: Mapped[str | None] = mapped_column(String(200))
    done_at: Mapped[datetime | None]
    claim: Mapped[str | None] = mapped_column(String(36))
    created_at: Mapped[datetime]
