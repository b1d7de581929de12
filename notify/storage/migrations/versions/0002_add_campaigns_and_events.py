"""Add campaigns and provider events; a dispatch tells what became of all of its messages."""

import sqlalchemy as sa
from alembic import op

from notify.storage.columns import BigId, Json, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _campaigns()
    _events()
    _dispatches()
    _attempts()
    _messages()


def _campaigns() -> None:
    op.create_table(
        "campaigns",
        sa.Column("id", BigId, sa.Identity(always=False), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("topic", sa.SmallInteger(), nullable=False),
        sa.Column("channels", Json, nullable=False),
        sa.Column("template", sa.String(length=64), nullable=False),
        sa.Column("content", Json, nullable=False),
        sa.Column("audience", Json, nullable=True),
        sa.Column("throttle", sa.Integer(), nullable=True),
        sa.Column("test", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("overridden", Json, nullable=False, server_default=sa.text("'[]'")),
        sa.Column("pinned", Json, nullable=True),
        sa.Column("pinned_at", UtcDateTime(), nullable=True),
        sa.Column("send_at", sa.String(length=40), nullable=True),
        sa.Column("timezone", sa.String(length=64), nullable=True),
        sa.Column("send_past", sa.Boolean(), nullable=False),
        sa.Column("start_at", UtcDateTime(), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("cursor", sa.BigInteger(), nullable=False),
        sa.Column("highest", sa.BigInteger(), nullable=True),
        sa.Column("pending", sa.BigInteger(), nullable=False),
        sa.Column("pumped", sa.Boolean(), nullable=False),
        sa.Column("next_slice_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaigns")),
        sqlite_autoincrement=True,
    )
    _partial("ix_campaigns_active", "campaigns", ["status"], "status IN ('scheduled', 'sending')")
    op.create_table(
        "sms_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_sms_days")),
    )


def _events() -> None:
    op.create_table(
        "event_posts",
        sa.Column("id", BigId, sa.Identity(always=False), autoincrement=True, nullable=False),
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_posts")),
    )
    op.create_index(op.f("ix_event_posts_due_at"), "event_posts", ["due_at"])
    op.create_table(
        "provider_events",
        sa.Column("id", BigId, sa.Identity(always=False), autoincrement=True, nullable=False),
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("event_id", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("detail", sa.String(length=300), nullable=True),
        sa.Column("hard", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_events")),
    )
    op.create_index("uq_provider_events_id", "provider_events", ["provider", "event_id"], unique=True)
    op.create_index(op.f("ix_provider_events_message_id"), "provider_events", ["message_id"])


def _dispatches() -> None:
    for column in (
        sa.Column("campaign_id", sa.BigInteger(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=False, server_default=sa.text("1")),
        sa.Column("status", sa.String(length=16), nullable=True),
        sa.Column("detail", sa.String(length=300), nullable=True),
        sa.Column("provider_message_id", sa.String(length=128), nullable=True),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
    ):
        op.add_column("dispatches", column)
    by_channel = ["lane", "channel", "due_at"]
    _partial("ix_dispatches_due_on_channel", "dispatches", by_channel, "phase = 'waiting'")
    _partial("ix_dispatches_campaign", "dispatches", ["campaign_id"], "campaign_id IS NOT NULL")
    still_open = "campaign_id IS NOT NULL AND phase <> 'done'"
    _partial("ix_dispatches_campaign_open", "dispatches", ["campaign_id", "due_at"], still_open)
    sms = "channel = 'sms' AND provider_message_id IS NOT NULL"
    _partial("ix_dispatches_sms_theirs", "dispatches", ["provider_message_id"], sms)
    _partial("ix_dispatches_unknown", "dispatches", ["settled_at"], "status = 'unknown'")


def _attempts() -> None:
    op.drop_index("ix_attempts_message_id", "attempts")
    with op.batch_alter_table("attempts") as table:
        table.add_column(sa.Column("dispatch_id", sa.BigInteger(), nullable=True))
        table.alter_column("message_id", existing_type=sa.BigInteger(), nullable=True)
    op.create_index(op.f("ix_attempts_dispatch_id"), "attempts", ["dispatch_id"])
    _partial("ix_attempts_message_id", "attempts", ["message_id"], "message_id IS NOT NULL")


def _messages() -> None:
    """Drop the foreign keys of every message but that to its notification; SQLite makes the table anew."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    indexes = (
        "ix_messages_recipient", "ix_messages_notification_id", "ix_messages_dispatch_id",
        "ix_messages_provider_message_id",
    )  # fmt: skip
    for name in indexes:
        op.drop_index(name, "messages")
    # What was given out once must not be given out again, though a copy remembers only what is left.
    given = "SELECT seq FROM sqlite_sequence WHERE name = 'messages'"
    last = op.get_bind().scalar(sa.text(given)) if sqlite else None
    with op.batch_alter_table("messages", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.add_column(sa.Column("campaign_id", sa.BigInteger(), nullable=True))
        table.add_column(sa.Column("to_sealed", sa.LargeBinary(), nullable=True))
        table.drop_constraint("fk_messages_recipient_id", type_="foreignkey")
        table.drop_constraint("fk_messages_dispatch_id", type_="foreignkey")
    if last:
        op.get_bind().execute(sa.text("DELETE FROM sqlite_sequence WHERE name = 'messages'"))
        op.get_bind().execute(
            sa.text("INSERT INTO sqlite_sequence VALUES ('messages', :last)"), {"last": last}
        )
    op.create_index("ix_messages_recipient", "messages", ["recipient_id", "id"])
    op.create_index(op.f("ix_messages_dispatch_id"), "messages", ["dispatch_id"])
    _partial("ix_messages_notification_id", "messages", ["notification_id"], "notification_id IS NOT NULL")
    theirs = "provider_message_id IS NOT NULL"
    _partial("ix_messages_provider_message_id", "messages", ["provider_message_id"], theirs)
    own = "campaign_id IS NOT NULL AND to_sealed IS NULL"
    columns = ["campaign_id", "channel", "address_hash"]
    _partial("uq_messages_campaign_address", "messages", columns, own, unique=True)
    exceptions = "campaign_id IS NOT NULL AND status <> 'queued'"
    _partial("ix_messages_campaign_exceptions", "messages", ["campaign_id", "status"], exceptions)


def _partial(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=unique, postgresql_where=condition, sqlite_where=condition)
