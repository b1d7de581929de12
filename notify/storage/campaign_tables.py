"""The tables of campaigns and of what bounds their sending, typed."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from notify.storage.columns import identity, partial_index
from notify.storage.tables import Base


class Campaign(Base):
    """One newsletter to many recipients.

    `content` is what its author wrote, `pinned` what it was made into when it was scheduled. The pump goes
    over recipients by number: `cursor` is the last one it has seen, `highest` where it ends, and `pending`
    how many messages are still to come of those that were counted when it started. `overridden` are the
    reasons to stop itself in spite of which a person resumed it.
    """

    __tablename__ = "campaigns"
    __table_args__ = (
        partial_index("ix_campaigns_active", "status", where="status IN ('scheduled', 'sending')"),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = identity()
    name: Mapped[str] = mapped_column(String(200))
    topic: Mapped[int] = mapped_column(SmallInteger)
    channels: Mapped[list[Any]]
    template: Mapped[str] = mapped_column(String(64))
    content: Mapped[dict[str, Any]]
    audience: Mapped[dict[str, Any] | None]
    throttle: Mapped[int | None]
    test: Mapped[bool] = mapped_column(Boolean)
    status: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(32))
    overridden: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    pinned: Mapped[dict[str, Any] | None]
    pinned_at: Mapped[datetime | None]
    send_at: Mapped[str | None] = mapped_column(String(40))
    timezone: Mapped[str | None] = mapped_column(String(64))
    send_past: Mapped[bool] = mapped_column(Boolean)
    start_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    cursor: Mapped[int] = mapped_column(BigInteger)
    highest: Mapped[int | None] = mapped_column(BigInteger)
    pending: Mapped[int] = mapped_column(BigInteger)
    pumped: Mapped[bool] = mapped_column(Boolean)
    next_slice_at: Mapped[datetime | None]
    messages_after: Mapped[int | None] = mapped_column(BigInteger)
    messages_up_to: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class SmsDay(Base):
    """How many SMS were handed over on a day (UTC)."""

    __tablename__ = "sms_days"
    day: Mapped[date] = mapped_column(primary_key=True)
    used: Mapped[int]
