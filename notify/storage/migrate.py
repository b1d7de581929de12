"""Bring the database to the newest schema; harmless to repeat, and under a lock."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import InterfaceError, OperationalError

from notify.storage.engine import open_engine, out_of_reach

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 1_854_200


def upgrade(database_url: str) -> None:
    """Run what migrations are missing. Two at once wait for each other. UnavailableError."""
    if database_url.startswith("sqlite:///"):
        Path(database_url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = open_engine(database_url)
    try:
        with engine.connect().execution_options(write=True) as connection, _lock(connection):
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
    except (OperationalError, InterfaceError) as error:
        raise out_of_reach(error) from error
    finally:
        engine.dispose()


def is_current(engine: Engine) -> bool:
    """Whether the schema is the newest one."""
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    return found == ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config


@contextmanager
def _lock(connection: Connection) -> Iterator[None]:
    """Hold off other migrations; in SQLite the transaction itself does (BEGIN IMMEDIATE)."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    yield
