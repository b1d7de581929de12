"""The tables, typed. A column ending in `_sealed` holds a value encrypted by the vault."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from notify.storage.columns import Json, UtcDateTime, identity, partial_index

_NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Root of the tables; plain types map as everywhere in this schema."""

    metadata = MetaData(naming_convention=_NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as a plain class attribute
        datetime: UtcDateTime(),
        bytes: LargeBinary(),
        dict[str, Any]: Json,
        list[Any]: Json,
    }


NEVER_REUSED = {"sqlite_autoincrement": True}
"""Numbers stand in tokens and in public ids: SQLite must not give one out again after an erasure."""


class InstallationKey(Base):
    """A key made once for this installation, wrapped by ENCRYPTION_KEYS."""

    __tablename__ = "installation_keys"
    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    wrapped: Mapped[bytes]


class ApiKey(Base):
    """A caller's key; only its SHA-256 is kept."""

    __tablename__ = "api_keys"
    id: Mapped[int] = identity()
    name: Mapped[str] = mapped_column(String(100))
    digest: Mapped[bytes] = mapped_column(unique=True)
    hint: Mapped[str] = mapped_column(String(16))
    scopes: Mapped[list[Any]]
    test: Mapped[bool] = mapped_column(Boolean)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Recipient(Base):
    """A person the shop knows. `id` is ours and permanent: it stands in tokens."""

    __tablename__ = "recipients"
    __table_args__ = (NEVER_REUSED,)
    id: Mapped[int] = identity()
    external_id: Mapped[str] = mapped_column(String(128), unique=True)
    email_sealed: Mapped[bytes | None]
    email_hash: Mapped[bytes | None] = mapped_column(index=True)
    phone_sealed: Mapped[bytes | None]
    phone_hash: Mapped[bytes | None] = mapped_column(index=True)
    phone_country: Mapped[str | None] = mapped_column(String(2))
    name_sealed: Mapped[bytes | None]
    locale: Mapped[str | None] = mapped_column(String(8))
    country: Mapped[str | None] = mapped_column(String(2))
    effective_country: Mapped[str | None] = mapped_column(String(2))
    timezone: Mapped[str | None] = mapped_column(String(64))
    customer_since: Mapped[date | None]
    attributes: Mapped[dict[str, Any]]
    policy_consent_id: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class IdempotencyKey(Base):
    """A caller's idempotency key (hashed), what it stood for, and the answer it got."""

    __tablename__ = "idempotency_keys"
    key_hash: Mapped[bytes] = mapped_column(primary_key=True)
    request_hash: Mapped[bytes]
    results: Mapped[list[Any] | None]
    created_at: Mapped[datetime] = mapped_column(index=True)


class Notification(Base):
    """What a caller asked for. Once closed (cancelled, superseded) it gets no further message."""

    __tablename__ = "notifications"
    __table_args__ = (
        Index("ix_notifications_reference", "reference", "recipient_id"),
        Index("ix_notifications_recipient", "recipient_id", "id"),
        partial_index("ix_notifications_send_at", "send_at", where="send_at IS NOT NULL"),
        NEVER_REUSED,
    )
    id: Mapped[int] = identity()
    recipient_id: Mapped[int] = mapped_column(ForeignKey("recipients.id"))
    template: Mapped[str] = mapped_column(String(64))
    reference: Mapped[str | None] = mapped_column(String(128))
    data_sealed: Mapped[bytes]
    channels: Mapped[list[Any]]
    routing: Mapped[str] = mapped_column(String(16))
    test: Mapped[bool]
    created_at: Mapped[datetime]
    send_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    closed_as: Mapped[str | None] = mapped_column(String(16))


class Dispatch(Base):
    """The unit of work: messages of one channel that go to a provider in one call.

    `phase` goes waiting → claimed → calling → done, and `paused` while its campaign is; of what is `packed`
    the pump of its campaign lets go in parts. The lease says until when its worker holds it. `started_at` is
    the first claim, `lapses` how many claims ran out before the call. `size` is how many messages it has.
    Once done, `status`, `detail`, `provider_message_id` and `settled_at` say what became of all of them that
    have no status of their own.
    """

    __tablename__ = "dispatches"
    __table_args__ = (
        partial_index("ix_dispatches_due", "lane", "due_at", where="phase = 'waiting'"),
        partial_index("ix_dispatches_due_on_channel", "lane", "channel", "due_at", where="phase = 'waiting'"),
        partial_index("ix_dispatches_lease", "lease_until", where="phase IN ('claimed', 'calling')"),
        partial_index("ix_dispatches_campaign", "campaign_id", where="campaign_id IS NOT NULL"),
        partial_index(
            "ix_dispatches_campaign_open",
            "campaign_id",
            "due_at",
            where="campaign_id IS NOT NULL AND phase <> 'done'",
        ),
        partial_index(
            "ix_dispatches_sms_theirs",
            "provider_message_id",
            where="channel = 'sms' AND provider_message_id IS NOT NULL",
        ),
        partial_index("ix_dispatches_unknown", "settled_at", where="status = 'unknown'"),
        NEVER_REUSED,
    )
    id: Mapped[int] = identity()
    campaign_id: Mapped[int | None] = mapped_column(BigInteger)
    lane: Mapped[str] = mapped_column(String(16))
    channel: Mapped[str] = mapped_column(String(16))
    size: Mapped[int] = mapped_column(server_default=text("1"))
    phase: Mapped[str] = mapped_column(String(16))
    due_at: Mapped[datetime]
    planned_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    claim: Mapped[str | None] = mapped_column(String(36))
    provider: Mapped[str | None] = mapped_column(String(16))
    attempt: Mapped[int] = mapped_column(SmallInteger)
    lapses: Mapped[int] = mapped_column(SmallInteger)
    status: Mapped[str | None] = mapped_column(String(16))
    detail: Mapped[str | None] = mapped_column(String(300))
    provider_message_id: Mapped[str | None] = mapped_column(String(128))
    settled_at: Mapped[datetime | None]


class Message(Base):
    """One message on one channel to one address. `id` is permanent: it stands in tokens.

    While it is open, and for as long as it shares the fate of its dispatch, `status` stays `queued` and the
    dispatch says how far it is. It belongs to a notification or to a campaign. No foreign keys to recipients
    and dispatches: checking them would write to a recipient's row for each of a million messages.
    """

    __tablename__ = "messages"
    __table_args__ = (
        Index("ix_messages_recipient", "recipient_id", "id"),
        partial_index("ix_messages_notification_id", "notification_id", where="notification_id IS NOT NULL"),
        partial_index(
            "ix_messages_provider_message_id", "provider_message_id", where="provider_message_id IS NOT NULL"
        ),
        partial_index(
            "uq_messages_campaign_address",
            "campaign_id",
            "channel",
            "address_hash",
            where="campaign_id IS NOT NULL AND to_sealed IS NULL",
            unique=True,
        ),
        partial_index(
            "ix_messages_campaign_exceptions",
            "campaign_id",
            "status",
            where="campaign_id IS NOT NULL AND status <> 'queued'",
        ),
        NEVER_REUSED,
    )
    id: Mapped[int] = identity()
    notification_id: Mapped[int | None] = mapped_column(ForeignKey("notifications.id"))
    campaign_id: Mapped[int | None] = mapped_column(BigInteger)
    recipient_id: Mapped[int] = mapped_column(BigInteger)
    dispatch_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    channel: Mapped[str] = mapped_column(String(16))
    topic: Mapped[int] = mapped_column(SmallInteger)
    locale: Mapped[str] = mapped_column(String(8))
    status: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(32))
    detail: Mapped[str | None] = mapped_column(String(300))
    provider: Mapped[str | None] = mapped_column(String(16))
    provider_message_id: Mapped[str | None] = mapped_column(String(128))
    address_hash: Mapped[bytes | None]
    to_sealed: Mapped[bytes | None]
    basis: Mapped[str | None] = mapped_column(String(16))
    basis_consent_id: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Attempt(Base):
    """One try to hand messages to a provider: one of them, or where none is named all of a dispatch."""

    __tablename__ = "attempts"
    __table_args__ = (partial_index("ix_attempts_message_id", "message_id", where="message_id IS NOT NULL"),)
    id: Mapped[int] = identity()
    dispatch_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    at: Mapped[datetime]
    provider: Mapped[str] = mapped_column(String(16))
    outcome: Mapped[str] = mapped_column(String(16))
    detail: Mapped[str | None] = mapped_column(String(300))
    duration_ms: Mapped[int | None]


class OutboxEntryRow(Base):
    """A message that ended in the local outbox, encrypted whole."""

    __tablename__ = "outbox"
    id: Mapped[int] = identity()
    message_id: Mapped[int] = mapped_column(BigInteger, index=True)
    kept_at: Mapped[datetime]
    message_sealed: Mapped[bytes]


class Heartbeat(Base):
    """When each periodic task last ran, for `notify status`."""

    __tablename__ = "heartbeats"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    beat_at: Mapped[datetime]
