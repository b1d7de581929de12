"""Migrated PostgreSQL databases that one test gets after the other: to empty one is much less than a copy."""

from collections import deque
from typing import Final

import psycopg

from tests.servers import Postgres

_MOST_LOANS: Final = 40
"""Then a new copy: what was deleted lies about until then, since nothing vacuums."""

# Everything but the version of the schema; the triggers that keep the ledger from changes do not fire.
_EMPTY: Final = """
    DO $$
    DECLARE
        name regclass;
    BEGIN
        SET LOCAL session_replication_role = replica;
        FOR name IN SELECT oid FROM pg_class
            WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'
        LOOP
            EXECUTE 'DELETE FROM ' || name;
        END LOOP;
        PERFORM setval(seqrelid, seqstart, FALSE) FROM pg_sequence;
    END $$
"""
_SHAPE: Final = """
    SELECT (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_attribute),
           (SELECT count(*) FROM pg_constraint), (SELECT count(*) FROM pg_trigger WHERE tgenabled = 'O'),
           (SELECT count(*) FROM pg_proc), (SELECT version_num FROM alembic_version)
"""


class Loans:
    """Copies of a template that are lent, emptied when they come back, and lent again by another name."""

    def __init__(self, server: Postgres, template: str) -> None:
        self._server = server
        self._template = template
        self._empty: deque[tuple[str, int]] = deque()
        self._loans: dict[str, int] = {}
        with self._connected(template) as connection:
            self._shape = connection.execute(_SHAPE).fetchone()

    def lend(self) -> str:
        """Return the name of a database that is as the template is."""
        if len(self._empty) > 1:  # the last one back may still have connections that end
            before, loans = self._empty.popleft()
            # By a new name, so that nothing left of the test before finds it.
            name = self._server.rename(before)
        else:
            name, loans = self._server.create(self._template), 0
        self._loans[name] = loans + 1
        return name

    def give_back(self, name: str) -> None:
        """Empty a database for the next test; drop it if that cannot be, or its shape was changed."""
        loans = self._loans.pop(name)
        if loans < _MOST_LOANS and self._emptied(name):
            self._empty.append((name, loans))
        else:
            self._server.drop(name)

    def close(self) -> None:
        """Drop what was given back."""
        while self._empty:
            self._server.drop(self._empty.pop()[0])

    def _emptied(self, name: str) -> bool:
        try:
            self._server.disconnect(name)
            with self._connected(name) as connection:
                connection.execute(_EMPTY)
                return connection.execute(_SHAPE).fetchone() == self._shape
        except psycopg.Error:
            return False

    def _connected(self, name: str) -> psycopg.Connection:
        return psycopg.connect(self._server.url(name).replace("+psycopg", "", 1), autocommit=True)
