"""Alembic's entry: runs on the connection it is handed by `migrate.upgrade`."""

from alembic import context

from notify.storage import (
    campaign_tables,
    consent_tables,
    event_tables,
    ledger_tables,
    outbound_tables,
    person_tables,
)
from notify.storage.tables import Base

_ = (
    campaign_tables,
    consent_tables,
    event_tables,
    ledger_tables,
    outbound_tables,
    person_tables,
)  # their tables belong to the metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=True,
    transaction_per_migration=False,
    transactional_ddl=False,  # the caller's transaction holds it all
    compare_type=False,
)
context.run_migrations()
