"""The service as production runs it, process by process, on PostgreSQL, Valkey and loopback providers."""

import base64
import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final, Self

from sqlalchemy import text

from benchmarks.processes import Running, wait_until
from benchmarks.provider_side import ProviderSide
from notify.bootstrap import Composition, build
from notify.settings import Settings
from notify.storage.migrate import upgrade
from notify.up.child import Program
from notify.up.embedded_valkey import find_server, server_command, wait_until_ready
from notify.up.programs import Address, stages
from notify.usecases.api_keys import KeyScope
from tests.ports import free_port
from tests.servers import Postgres, PostgresProcess

DURABLE: Final = (
    "fsync=on",
    "synchronous_commit=on",
    "full_page_writes=on",
    "max_connections=200",
    "shared_preload_libraries=pg_stat_statements",
)
"""PostgreSQL's own defaults where durability is concerned; statements are counted."""


@dataclass(frozen=True, slots=True)
class Engines:
    """PostgreSQL and Valkey, with the keys that open what is kept there."""

    postgres: PostgresProcess
    valkey: Running
    redis_url: str
    keys: Mapping[str, str]
    directory: Path

    @property
    def databases(self) -> Postgres:
        """Where databases are made and dropped."""
        return Postgres(self.postgres.url)


@contextmanager
def engines(directory: Path, more: Sequence[str] = ()) -> Iterator[Engines]:
    """Run PostgreSQL and Valkey in `directory`, which may have been used before; `more` settings win."""
    server = PostgresProcess(_own(directory / "postgres"), (*DURABLE, *more))
    valkey = directory / "valkey"
    valkey.mkdir(exist_ok=True, mode=0o700)
    socket = valkey / "redis.sock"
    running = Running(
        Program("valkey", server_command(find_server(), valkey, socket), valkey, 10), {}, valkey / "log"
    )
    try:
        server.start()
        running.start()
        url = f"unix://{socket}"
        if not wait_until_ready(url):
            raise RuntimeError("Valkey did not start")
        yield Engines(server, running, url, _keys(directory), directory)
    finally:
        running.stop()
        server.stop()


class Stack:
    """The service's processes on one database. `environment` adds to their settings."""

    def __init__(
        self,
        parts: Engines,
        database: str,
        provider: ProviderSide,
        environment: Mapping[str, str],
        port: int | None = None,
    ) -> None:
        self.database_url = parts.databases.url(database)
        self.provider = provider
        self.address = Address("127.0.0.1", port or free_port())
        self._data = parts.directory / database
        self._data.mkdir(exist_ok=True, mode=0o700)
        self.environment = {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": parts.redis_url,
            "PUBLIC_URL": self.address.url,
            "NOTIFY_DATA_DIR": str(self._data),
            **parts.keys,
            **provider.environment,
            **environment,
        }
        values = {name.lower(): value for name, value in self.environment.items()}
        self.settings = Settings(NOTIFY_DATA_DIR=self._data, **values)  # type: ignore[call-arg, arg-type]
        upgrade(self.database_url)
        self.composition: Composition = build(self.settings, "benchmark")
        self.api = Api(self.address, self.composition)
        self._programs = {
            program.name: program for stage in stages(self.settings, self.address) for program in stage
        }
        self._sampled: dict[str, Program] = {}
        self.running: dict[str, Running] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for name in reversed(self.running):
            self.running[name].stop()
        self.composition.close()

    def sample(self, name: str, path: Path) -> None:
        """Have a program sampled into a file when it is started (see `benchmarks.sampling`)."""
        program = self._programs[name]
        python, _, *rest = program.command
        self._sampled[name] = replace(
            program, command=[python, "-m", "benchmarks.sampling", str(path), *rest]
        )

    def start(self, *names: str) -> None:
        """Start programs by name, as `worker bulk`, or `worker bulk 2` for one more of its kind.

        Returns when the web server, if it is among them, is ready.
        """
        for name in names:
            kind = name.rstrip(" 0123456789")
            program = self._sampled.get(name) or self._programs[kind]
            self.running[name] = Running(
                program, self.environment, self._data / f"{name.replace(' ', '-')}.log"
            )
            self.running[name].start()
        if "web" in names:
            wait_until(lambda: self.api.status("GET", "/readyz") == 200, 60, "the web server")

    def stop(self, *names: str) -> None:
        """Stop programs by name."""
        for name in names:
            self.running.pop(name).stop()

    def query(self, statement: str, **values: object) -> list[Any]:
        """Ask the database."""
        with self.composition.engine.connect() as connection:
            return list(connection.execute(text(statement), values))

    def run(self, statement: str, **values: object) -> None:
        """Change the database."""
        with self.composition.engine.begin() as connection:
            connection.execute(text(statement), values)


@dataclass(slots=True)
class Api:
    """A caller of the API, with a key that may do everything."""

    address: Address
    composition: Composition
    _key: str = field(default="", init=False)

    @property
    def key(self) -> str:
        """The API key, made at the first use."""
        if not self._key:
            made = self.composition.create_key(
                "benchmark", frozenset({KeyScope.ADMIN}), test=False, expires_at=None
            )
            self._key = str(made)
        return self._key

    def call(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - any JSON
        """Call; return the answer's JSON. RuntimeError for what is not a success."""
        status, answer = self._exchange(method, path, body)
        if not 200 <= status < 300:
            raise RuntimeError(f"{method} {path}: {status} {answer[:500]!r}")
        return json.loads(answer) if answer else None

    def status(self, method: str, path: str, body: object = None) -> int:
        """Call; return the status of the answer, 0 if there was none."""
        try:
            return self._exchange(method, path, body)[0]
        except (OSError, HTTPException):
            return 0

    def _exchange(self, method: str, path: str, body: object) -> tuple[int, bytes]:
        connection = HTTPConnection(self.address.host, self.address.port, timeout=30)
        try:
            connection.request(
                method,
                path,
                json.dumps(body) if body is not None else None,
                {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
            )
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def _own(directory: Path) -> Path:
    """Make a directory that PostgreSQL's account can use."""
    directory.mkdir(exist_ok=True)
    return directory


def _keys(directory: Path) -> dict[str, str]:
    """Return the keys of this directory's databases, made at the first call."""
    path = directory / "keys.json"
    if not path.exists():
        fresh = {
            "SECRET_KEYS": secrets.token_urlsafe(32),
            "ENCRYPTION_KEYS": base64.urlsafe_b64encode(os.urandom(32)).decode(),
        }
        path.write_text(json.dumps(fresh))
    kept: dict[str, str] = json.loads(path.read_text())
    return kept
