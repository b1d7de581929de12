"""The tables of what providers report, typed."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, Index, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from notify.storage.columns import identity
from notify.storage.tables import Base


class EventPost(Base):
    """One verified post of a provider's webhook, encrypted whole, until a worker has read it."""

    __tablename__ = "event_posts"
    id: Mapped[int] = identity()
    provider: Mapped[str] = mapped_column(String(16))
    body_sealed: Mapped[bytes]
    received_at: Mapped[datetime]
    due_at: Mapped[datetime] = mapped_column(index=True)
    tries: Mapped[int] = mapped_column(SmallInteger)


class ProviderEventRow(Base):
    """One event, once, however often it was reported."""

    __tablename__ = "provider_events"
    __table_args__ = (Index("uq_provider_events_id", "provider", "event_id", unique=True),)
    id: Mapped[int] = identity()
    provider: Mapped[str] = mapped_column(String(16))
    event_id: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(16))
    message_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    at: Mapped[datetime]
    received_at: Mapped[datetime]
    detail: Mapped[str | None] = mapped_column(String(300))
    hard: Mapped[bool | None] = mapped_column(Boolean)
