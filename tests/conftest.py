"""Fixtures for all tests: real servers, a fresh database for each test, and no skipping in CI."""

import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import HealthCheck, settings

from notify.storage.migrate import upgrade
from tests.chromium import INSTALL_CHROMIUM, find_chromium
from tests.lending import Loans
from tests.reporting import Reporting
from tests.servers import Postgres, postgres, valkey
from tests.world import World, settings_for

_IN_CI = bool(os.environ.get("CI"))

# A busy machine is no bug; what else Hypothesis has as its default in CI stays.
settings.register_profile("patient", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """Give each test the level and handlers it found: commands that run in this process set their own."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    root.handlers[:] = [one for one in root.handlers if one in handlers]


@pytest.fixture(autouse=True)
def _no_world_is_left() -> Iterator[None]:
    """Close what a test's worlds opened."""
    yield
    World.end_all()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """Run one PostgreSQL server for the session."""
    with postgres() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres_server: Postgres) -> Iterator[str]:
    """Name a migrated database that tests get copies of."""
    name = postgres_server.create()
    upgrade(postgres_server.url(name))
    yield name
    postgres_server.drop(name)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Name a migrated SQLite file that tests get copies of."""
    path = tmp_path_factory.mktemp("template") / "notify.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """Give a fresh, migrated SQLite database."""
    path = tmp_path / "notify.db"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def postgres_loans(postgres_server: Postgres, postgres_template: str) -> Iterator[Loans]:
    """Lend migrated PostgreSQL databases with nothing in them."""
    loans = Loans(postgres_server, postgres_template)
    yield loans
    loans.close()


@pytest.fixture
def postgres_url(postgres_server: Postgres, postgres_loans: Loans) -> Iterator[str]:
    """Give a fresh, migrated PostgreSQL database."""
    name = postgres_loans.lend()
    yield postgres_server.url(name)
    postgres_loans.give_back(name)


@pytest.fixture
def empty_postgres_url(postgres_server: Postgres) -> Iterator[str]:
    """Give a PostgreSQL database with nothing in it."""
    name = postgres_server.create()
    yield postgres_server.url(name)
    postgres_server.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Give a fresh, migrated database, once of each kind."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(name)
    return url


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """Run one Valkey server for the session."""
    with valkey() as url:
        yield url


@pytest.fixture
def redis_url(valkey_url: str) -> str:
    """Give a Redis with nothing in it."""
    with redis.Redis.from_url(valkey_url) as client:
        client.flushall()
    return valkey_url


@pytest.fixture(scope="session")
def chromium() -> str:
    """Give the path of a real browser, for Playwright's `executable_path`."""
    path = find_chromium()
    if path is None:  # on a developer's machine; CI does not begin without one (tests/machine.py)
        pytest.skip(f"no Chromium: {INSTALL_CHROMIUM}")
    return path


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was left out, and that CI will not have it."""
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped:
        verdict = "FAILED: nothing may be skipped in CI" if _IN_CI else "NOT EVERYTHING RAN"
        terminalreporter.section(f"{verdict}: {len(skipped)} skipped")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run in CI if anything was skipped."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if _IN_CI and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    """Give the real use cases on a fresh database, once on each engine."""
    found = World(settings_for(database_url, tmp_path / "data"))
    yield found
    found.parts.close()


@pytest.fixture
def reporting(database_url: str, tmp_path: Path) -> Iterator[Reporting]:
    """Give a world whose webhooks are set up, once on each engine."""
    found = Reporting(database_url, tmp_path)
    yield found
    found.world.parts.close()
