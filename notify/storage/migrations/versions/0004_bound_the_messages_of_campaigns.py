"""Know between which numbers the messages of a campaign lie."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("campaigns", sa.Column("messages_after", sa.BigInteger(), nullable=True))
    op.add_column("campaigns", sa.Column("messages_up_to", sa.BigInteger(), nullable=True))
