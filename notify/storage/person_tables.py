"""The tables of what persons ask for, and of what is done about their data in the background."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from notify.storage.columns import identity, partial_index
from notify.storage.tables import Base


class Confirmation(Base):
    """Something a person asked for that waits until they confirm it through their own address.

    `digest` is the SHA-256 of the token in the message that asks; `address_hash` is where it went.
    """

    __tablename__ = "confirmations"
    digest: Mapped[bytes] = mapped_column(primary_key=True)
    recipient_id: Mapped[int] = mapped_column(BigInteger, index=True)
    kind: Mapped[str] = mapped_column(String(16))
    channel: Mapped[str] = mapped_column(String(16))
    address_hash: Mapped[bytes] = mapped_column(index=True)
    details_sealed: Mapped[bytes]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


class Errand(Base):
    """Something to be done at a provider later, and again until it is: its payload is encrypted."""

    __tablename__ = "errands"
    id: Mapped[int] = identity()
    kind: Mapped[str] = mapped_column(String(32))
    payload_sealed: Mapped[bytes]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime] = mapped_column(index=True)
    tries: Mapped[int] = mapped_column(SmallInteger)


class SmsMirror(Base):
    """What a provider was last told about a number and a sender, so that both agree who has opted out."""

    __tablename__ = "sms_mirrors"
    phone_hash: Mapped[bytes] = mapped_column(primary_key=True)
    sender: Mapped[str] = mapped_column(String(64), primary_key=True)
    opted_out: Mapped[bool]
    at: Mapped[datetime]


class SoftBounce(Base):
    """One message that bounced for now: too many of them in a row, and the address is barred."""

    __tablename__ = "soft_bounces"
    __table_args__ = (Index("ix_soft_bounces_address", "address_hash", "channel", "at"),)
    message_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    address_hash: Mapped[bytes]
    channel: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime]


class Alert(Base):
    """Something an operator should look at; one open row for each kind."""

    __tablename__ = "alerts"
    __table_args__ = (partial_index("uq_alerts_open", "kind", where="cleared_at IS NULL", unique=True),)
    id: Mapped[int] = identity()
    kind: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime]
    last_at: Mapped[datetime]
    count: Mapped[int] = mapped_column(BigInteger)
    details: Mapped[dict[str, Any]]
    cleared_at: Mapped[datetime | None]


class RetentionRun(Base):
    """What one run of retention deleted, by kind, and for each kind where the next run begins."""

    __tablename__ = "retention_runs"
    id: Mapped[int] = identity()
    at: Mapped[datetime]
    counts: Mapped[dict[str, Any]]
    marks: Mapped[dict[str, Any]]
