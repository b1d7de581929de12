"""What `notify up` runs: Valkey, a worker for each lane, the scheduler and the web server."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from notify.domain.requests import Lane
from notify.settings import Settings, embedded_redis_socket
from notify.up.child import Program
from notify.up.embedded_valkey import find_server, server_command

_ROOT: Final = Path(__file__).parent.parent.parent
"""Where wsgi.py and the workers are."""
_WEB_WORKERS: Final = 2
_WEB_THREADS: Final = 8

_MEMORY_OF_MANY_THREADS: Final = {"MALLOC_ARENA_MAX": "2"}
"""glibc else keeps a heap for nearly every thread, which they have no need of: one computes at a time
(https://www.gnu.org/software/libc/manual/html_node/Memory-Allocation-Tunables.html)."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the web server listens."""

    host: str
    port: int

    @property
    def reachable_host(self) -> str:
        """The host under which this machine reaches it."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - only compared

    @property
    def url(self) -> str:
        """The URL to reach it from this machine."""
        host = self.reachable_host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


def embeds_redis(settings: Settings) -> bool:
    """Whether no REDIS_URL was given, so that a server of our own is needed."""
    return settings.redis_url == f"unix://{embedded_redis_socket(settings.data_dir)}"


def stages(settings: Settings, address: Address) -> list[list[Program]]:
    """Return the programs in the order of their start; web stops first, Valkey last."""
    environment = {"NOTIFY_DATA_DIR": str(settings.data_dir), "PUBLIC_URL": settings.public_url}
    python = [sys.executable, "-m"]
    # A worker finishes the calls it is in, which the provider's time-out bounds.
    finish = settings.provider_timeout + 10
    threads = {**environment, **_MEMORY_OF_MANY_THREADS}
    workers = [
        Program(f"worker {lane}", [*python, "workers.main", "--lane", lane], _ROOT, finish, threads)
        for lane in Lane
    ]
    scheduler = Program("scheduler", [*python, "workers.schedule"], _ROOT, 10, environment)
    web = Program("web", [*python, *_web(address)], _ROOT, 15, environment)
    return [[_valkey(settings)] if embeds_redis(settings) else [], workers, [scheduler], [web]]


def _web(address: Address) -> list[str]:
    return [
        "granian", "wsgi:app",
        "--interface", "wsgi", "--no-ws",
        "--host", address.host, "--port", str(address.port),
        "--workers", str(_WEB_WORKERS), "--blocking-threads", str(_WEB_THREADS),
        "--respawn-failed-workers", "--respawn-interval", "0.5", "--workers-kill-timeout", "10",
        "--log-level", "error",
        "--process-name", "notify: web",
    ]  # fmt: skip


def _valkey(settings: Settings) -> Program:
    directory = settings.data_dir / "redis"
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    command = server_command(find_server(), directory, embedded_redis_socket(settings.data_dir))
    return Program("valkey", command, directory, 10)
