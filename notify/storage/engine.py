"""Engines for SQLite and PostgreSQL, and transactions that speak the core's errors."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import ConnectionPoolEntry

from notify.domain.errors import ConfigurationError, UnavailableError

_BUSY_TIMEOUT_SECONDS: Final = 15
_TURN_SECONDS: Final = 0.003
"""How often a writer of SQLite asks for its turn; SQLite's own waiting sleeps for up to 0.1 s at a time."""
_LONG_TURN_SECONDS: Final = 0.05
_COURTESY_SECONDS: Final = 0.01
"""How long whoever held SQLite for a long turn lets others go first: its lock knows no queue, and whoever
imports for minutes would have it again before an order that waits can ask."""
_TRUSTED_SECONDS: Final = 0.5
_FORMS: Final = (
    "postgresql://user:password@host:5432/database or sqlite:////path/of/a/file;"
    " percent-encode special characters in passwords"
)
_POSTGRESQL_DRIVER: Final = "postgresql+psycopg"
_USED_AT: Final = "notify used at"
_POSTGRESQL: Final = {
    "application_name": "notify",
    "connect_timeout": 5,  # seconds
    "keepalives_idle": 30,
    "tcp_user_timeout": 15_000,  # milliseconds until a silent server counts as gone
    "options": " ".join(
        f"-c {setting}"
        for setting in (
            "lock_timeout=15s",
            "idle_in_transaction_session_timeout=60s",
            # Everything is looked up by keys, in tables that grow by a million rows before statistics follow:
            # a plan must never begin to read a table from its start. The few queries that count all of
            # something ask for the other plans themselves.
            "enable_seqscan=off",
            "enable_hashjoin=off",
            "enable_mergejoin=off",
            "random_page_cost=1.1",
            # What finds a thousand rows by their keys takes less time than starting a second process for it.
            "max_parallel_workers_per_gather=0",
        )
    ),
}


_NO_WAIT: Final = text("SET LOCAL synchronous_commit = off")
_ONE_SNAPSHOT: Final = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def open_engine(database_url: str, *, pool_size: int = 10) -> Engine:
    """Open an engine; SQLite runs in WAL with full durability, PostgreSQL through psycopg 3.

    ConfigurationError if the URL is not understood; no database is asked yet.
    """
    if _driver(database_url) == _POSTGRESQL_DRIVER:
        engine = create_engine(
            database_url,
            pool_size=pool_size,
            max_overflow=10,
            pool_use_lifo=True,  # the one used last needs no ping
            hide_parameters=True,  # they hold personal data, and errors are logged
            connect_args=_POSTGRESQL,
        )
        event.listen(engine, "checkin", _note_use)
        event.listen(engine, "checkout", _ping_idle)
        return engine
    engine = create_engine(
        database_url,
        pool_size=pool_size,
        max_overflow=10,
        hide_parameters=True,
        connect_args={"timeout": _BUSY_TIMEOUT_SECONDS},
    )
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _driver(database_url: str) -> str:
    with suppress(ArgumentError, ValueError):
        driver = make_url(database_url).drivername
        if driver in {"sqlite", _POSTGRESQL_DRIVER}:
            return driver
    raise ConfigurationError(f"DATABASE_URL is not understood. Write it as {_FORMS}.")


def _note_use(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info[_USED_AT] = time.monotonic()


def _ping_idle(connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: object) -> None:
    """Try a connection that lay idle: the server may be gone, and the pool then opens a new one.

    One that worked a moment ago is taken on trust, which spares busy servers a round trip each time.
    """
    used_at = record.info.get(_USED_AT)
    if used_at is None or time.monotonic() - used_at < _TRUSTED_SECONDS:  # new, or busy
        return
    try:
        connection.cursor().execute("SELECT 1")
        connection.rollback()
    except psycopg.Error as error:
        raise DisconnectionError("the server is gone") from error


def _configure_sqlite(connection: sqlite3.Connection, _record: Any) -> None:  # noqa: ANN401 - SQLAlchemy's hook
    """Switch to WAL; `synchronous=FULL`, so that what was answered 202 survives a power cut too.

    `secure_delete`: what is erased is to be gone from the file as well.
    """
    connection.isolation_level = None  # transactions are begun by _begin_sqlite
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA secure_delete=ON")


def _begin_sqlite(connection: Connection) -> None:
    """Writers take their turn at BEGIN: a read that turns into a write could only fail."""
    if connection.get_execution_options().get("write"):
        _take_turn(connection)
    else:
        connection.exec_driver_sql("BEGIN")


def _take_turn(connection: Connection) -> None:
    """Begin to write as soon as nobody else does. OperationalError if that takes too long."""
    driver: Any = connection.connection.driver_connection
    patience = time.monotonic() + _BUSY_TIMEOUT_SECONDS
    driver.execute("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                driver.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > patience:
                    raise
                time.sleep(_TURN_SECONDS)
            else:
                return
    finally:
        driver.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_SECONDS * 1000}")


def commit_without_waiting(connection: Connection) -> None:
    """Let this transaction's commit return before it is on the disk: only for what a crash may take back.

    Such is a claim, which lapses anyway, and a slice of a campaign, which is made again. Whatever commits
    later and waits, as every gate does, takes it along to the disk.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_NO_WAIT)


def read_one_snapshot(connection: Connection) -> None:
    """Have all statements of this transaction see the same moment; to be called before the first of them.

    In SQLite they do anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_ONE_SNAPSHOT)


def out_of_reach(error: Exception) -> UnavailableError:
    """Name the trouble, as `DeadlockDetected` or `SQLITE_FULL`; its text could hold values."""
    origin = getattr(error, "orig", None) or error
    name = getattr(origin, "sqlite_errorname", None) or type(origin).__name__
    return UnavailableError(f"the database is out of reach: {name}")


@contextmanager
def transaction(engine: Engine, *, write: bool) -> Iterator[Connection]:
    """Run one transaction; a database that is out of reach is UnavailableError."""
    driver = engine.dialect.loaded_dbapi
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":  # see _begin_sqlite
                connection.execution_options(write=write)
            with connection.begin():
                began = time.monotonic()
                yield connection
        if write and engine.dialect.name == "sqlite" and time.monotonic() - began > _LONG_TURN_SECONDS:
            time.sleep(_COURTESY_SECONDS)
    except (OperationalError, InterfaceError, PoolTimeoutError) as error:
        raise out_of_reach(error) from error
    except (driver.OperationalError, driver.InterfaceError) as error:  # of a statement in `prepared`
        raise out_of_reach(error) from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise UnavailableError("the connection to the database broke") from error
        raise
