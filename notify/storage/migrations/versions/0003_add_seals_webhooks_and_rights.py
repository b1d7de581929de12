"""Make the ledger append-only and sealed; add outbound webhooks, confirmations, errands, alerts, retention."""

import sqlalchemy as sa
from alembic import op

from notify.storage.columns import BigId, Json, UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_APPEND_ONLY = ("consent_records", "ledger_seals")


def upgrade() -> None:
    op.add_column("suppressions", sa.Column("expires_at", UtcDateTime(), nullable=True))
    expiring = "expires_at IS NOT NULL"
    _partial("ix_suppressions_expires_at", "suppressions", ["expires_at"], expiring)
    later = "send_at IS NOT NULL"
    _partial("ix_notifications_send_at", "notifications", ["send_at"], later)
    op.create_index(op.f("ix_address_optouts_consent_id"), "address_optouts", ["consent_id"])
    op.add_column("campaigns", sa.Column("expires_at", UtcDateTime(), nullable=True))
    _ledger()
    _outbound()
    _persons()
    _operators()
    for table in _APPEND_ONLY:
        _append_only(table)


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))


def _id() -> sa.Column[int]:
    return sa.Column("id", BigId, sa.Identity(always=False), autoincrement=True, nullable=False)


def _ledger() -> None:
    op.create_table(
        "ledger_seals",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("first_id", sa.BigInteger(), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.LargeBinary(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_seals")),
    )
    op.create_index(op.f("ix_ledger_seals_last_id"), "ledger_seals", ["last_id"])
    op.create_table(
        "ledger_followers",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_ledger_followers")),
    )
    for name in ("webhooks", "bursts"):  # what is past would be no news to them
        op.execute(
            f"INSERT INTO ledger_followers (name, entry_id) SELECT '{name}', max(id) FROM consent_records"  # noqa: S608 - our own words
            " HAVING max(id) IS NOT NULL"
        )
    op.create_table(
        "journal_lines",
        _id(),
        sa.Column("line", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_lines")),
        sqlite_autoincrement=True,
    )


def _outbound() -> None:
    op.create_table(
        "webhook_endpoints",
        _id(),
        sa.Column("url_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("secret_before_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("secret_before_until", UtcDateTime(), nullable=True),
        sa.Column("events", Json, nullable=False),
        sa.Column("description", sa.String(length=200), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("failing_since", UtcDateTime(), nullable=True),
        sa.Column("disabled_at", UtcDateTime(), nullable=True),
        sa.Column("disabled_because", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoints")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "webhook_events",
        _id(),
        sa.Column("type", sa.String(length=48), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("data", Json, nullable=False),
        sa.Column("recipient", sa.String(length=128), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_events")),
        sqlite_autoincrement=True,
    )
    for column in ("at", "recipient"):
        op.create_index(op.f(f"ix_webhook_events_{column}"), "webhook_events", [column])
    op.create_table(
        "webhook_deliveries",
        _id(),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("endpoint_id", sa.BigInteger(), nullable=False),
        sa.Column("phase", sa.String(length=16), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("answer", sa.SmallInteger(), nullable=True),
        sa.Column("detail", sa.String(length=200), nullable=True),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("claim", sa.String(length=36), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["webhook_events.id"], name=op.f("fk_webhook_deliveries_event_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_webhook_deliveries_event_id"), "webhook_deliveries", ["event_id"])
    op.create_index("ix_webhook_deliveries_endpoint", "webhook_deliveries", ["endpoint_id", "id"])
    still_due = "phase IN ('waiting', 'calling')"
    _partial("ix_webhook_deliveries_due", "webhook_deliveries", ["endpoint_id", "due_at", "id"], still_due)
    _partial("ix_webhook_deliveries_done", "webhook_deliveries", ["done_at"], "done_at IS NOT NULL")


def _persons() -> None:
    op.create_table(
        "confirmations",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("recipient_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("address_hash", sa.LargeBinary(), nullable=False),
        sa.Column("details_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_confirmations")),
    )
    for column in ("recipient_id", "address_hash", "expires_at"):
        op.create_index(op.f(f"ix_confirmations_{column}"), "confirmations", [column])
    op.create_table(
        "errands",
        _id(),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("payload_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_errands")),
    )
    op.create_index(op.f("ix_errands_due_at"), "errands", ["due_at"])
    op.create_table(
        "sms_mirrors",
        sa.Column("phone_hash", sa.LargeBinary(), nullable=False),
        sa.Column("sender", sa.String(length=64), nullable=False),
        sa.Column("opted_out", sa.Boolean(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("phone_hash", "sender", name=op.f("pk_sms_mirrors")),
    )
    op.create_table(
        "soft_bounces",
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("address_hash", sa.LargeBinary(), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_soft_bounces")),
    )
    op.create_index("ix_soft_bounces_address", "soft_bounces", ["address_hash", "channel", "at"])


def _operators() -> None:
    op.create_table(
        "alerts",
        _id(),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("details", Json, nullable=False),
        sa.Column("cleared_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    op.create_index(
        "uq_alerts_open",
        "alerts",
        ["kind"],
        unique=True,
        postgresql_where=sa.text("cleared_at IS NULL"),
        sqlite_where=sa.text("cleared_at IS NULL"),
    )
    op.create_table(
        "retention_runs",
        _id(),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("counts", Json, nullable=False),
        sa.Column("marks", Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_runs")),
    )


def _append_only(table: str) -> None:
    """Have the database itself refuse to change or delete what was written."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        # INSERT OR REPLACE deletes without asking the trigger above (sqlite.org/pragma.html#pragma_recursive_triggers).
        op.execute(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table}"  # noqa: S608 - our own words
            f" WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id)"
            f" BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
        return
    op.execute(
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';"
        " END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
