"""What the parts of a run share: engines, providers, and databases with recipients in them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import psycopg

from benchmarks.provider_side import ProviderSide
from benchmarks.seeding import Seeded, people_for, seed
from benchmarks.stack import Engines, Stack
from notify.storage.migrate import upgrade

WORKERS: Final = ("worker urgent", "worker normal", "worker bulk")


class Bench:
    """One run of some parts."""

    def __init__(self, engines: Engines, provider: ProviderSide) -> None:
        self.engines = engines
        self.provider = provider
        self._count = 0

    @contextmanager
    def stack(
        self, reached: int = 0, environment: Mapping[str, str] | None = None, port: int | None = None
    ) -> Iterator[Stack]:
        """Give a service of its own on a database whose newsletter reaches `reached` people."""
        self.provider.control(latency_ms=0, faults="")
        self.provider.forget()  # another database gives out the same ids
        name = self._copy(reached)
        try:
            with Stack(self.engines, name, self.provider, environment or {}, port) as stack:
                yield stack
        finally:
            self.engines.databases.drop(name)

    def _copy(self, reached: int) -> str:
        self._count += 1
        name = f"bench_{self.engines.postgres.pid}_{self._count}"
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{self._template(reached)}" STRATEGY file_copy')
        return name

    def _template(self, reached: int) -> str:
        """Name a database with that many people, filled at the first call and kept with the directory."""
        name = f"people_{reached}"
        if self._run(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):  # noqa: S608
            return name
        self._run(f'DROP DATABASE IF EXISTS "{name}_draft"')
        self._run(f'CREATE DATABASE "{name}_draft"')
        with Stack(self.engines, f"{name}_draft", self.provider, {}) as stack:
            upgrade(stack.database_url)
            stack.run("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            if reached:
                seed(stack.settings, reached)
        self._run(f'ALTER DATABASE "{name}_draft" RENAME TO "{name}"')
        return name

    def _run(self, statement: str) -> bool:
        """Run a statement as the administrator; say whether it found anything."""
        with psycopg.connect(self.engines.postgres.url, autocommit=True) as connection:
            return connection.execute(statement.encode()).rowcount > 0

    @staticmethod
    def people(reached: int) -> Seeded:
        """Return how many people such a database has."""
        return people_for(reached)
