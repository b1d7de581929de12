"""Know between which numbers the messages of a campaign lie, and who wanted a pause."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("campaigns", sa.Column("messages_after", sa.BigInteger(), nullable=True))
    op.add_column("campaigns", sa.Column("messages_up_to", sa.BigInteger(), nullable=True))
    op.add_column("suppressions", sa.Column("paused_by", sa.BigInteger(), nullable=True))
    known = sa.text("paused_by IS NOT NULL")
    op.create_index(
        "ix_suppressions_paused_by",
        "suppressions",
        ["paused_by"],
        postgresql_where=known,
        sqlite_where=known,
    )
