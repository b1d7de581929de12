"""A real `notify up` in a directory of its own, seen from outside."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tests.ports import free_port

ENVIRONMENT: Final = {
    name: value
    for name, value in os.environ.items()
    if name in {"PATH", "HOME", "LANG", "TMPDIR"} or name.startswith(("COVERAGE_", "COV_"))
}
"""Nothing of the developer's own settings reaches the processes under test."""
PATIENCE: Final = 180
"""Seconds that a service has to start: no figure of ours, the machine may be busy."""


class UpProcess:
    """One run of `notify up`; `log` and `printed` are what it wrote so far."""

    def __init__(self, data_dir: Path, port: int | None = None, /, **environment: str) -> None:
        self.data_dir = data_dir
        self.port = port or free_port()
        self._log_path = data_dir.with_name(f"{data_dir.name}-{time.monotonic_ns()}.log")
        self._out_path = self._log_path.with_suffix(".out")
        with self._log_path.open("wb") as log, self._out_path.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "notify", "up", "--data-dir", data_dir, "--port", str(self.port)],
                stdout=out,
                stderr=log,
                env={**ENVIRONMENT, **environment},
                start_new_session=True,
            )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def printed(self) -> str:
        return self._out_path.read_text()

    @property
    def log(self) -> str:
        return self._log_path.read_text()

    def events(self) -> list[dict[str, Any]]:
        """Return the log's lines."""
        return [json.loads(line) for line in self.log.split("\n")[:-1] if line.startswith("{")]

    def pids(self, child: str) -> list[int]:
        """Return the process ids a child has had, in order."""
        return [
            line["pid"] for line in self.events() if line["event"] == "Started" and line["child"] == child
        ]

    def children(self) -> dict[str, int]:
        """Return the process id of each child as it is now."""
        return {line["child"]: line["pid"] for line in self.events() if line["event"] == "Started"}

    def wait_until_ready(self) -> "UpProcess":
        """Wait until it serves; what does not get there is stopped, and its log told."""
        try:
            wait_for(lambda: "Try it:" in self.printed or self.process.poll() is not None, PATIENCE)
            assert self.process.poll() is None
        except AssertionError:
            self.stop()
            raise AssertionError(self.log) from None
        return self

    def curl(self) -> tuple[str, dict[str, str], bytes]:
        """Return address, headers and body of the line it prints for pasting."""
        (line,) = [line for line in self.printed.splitlines() if line.startswith("curl ")]
        words = shlex.split(line)
        headers = dict(words[i + 1].split(": ", 1) for i, word in enumerate(words) if word == "-H")
        return words[2], headers, words[words.index("-d") + 1].encode()

    def post_the_curl_line(self) -> dict[str, Any]:
        url, headers, body = self.curl()
        return call(url, headers, body)

    def get(self, path: str) -> dict[str, Any]:
        _, headers, _ = self.curl()
        return call(f"{self.url}{path}", headers)

    def sent(self, notification_id: str) -> bool:
        return bool(self.get(f"/v1/notifications/{notification_id}")["status"] == "sent")

    def stop(self, number: int = signal.SIGINT) -> int:
        """Signal it and wait for its end; return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(60)


def call(url: str, headers: dict[str, str], body: bytes | None = None) -> dict[str, Any]:
    request = urllib.request.Request(url, data=body, headers=headers)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def wait_for(met: Callable[[], bool], seconds: float, otherwise: Callable[[], object] = lambda: "") -> float:
    """Wait until `met`; return how long it took. Fails after `seconds`, saying `otherwise`."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if met():
            return time.monotonic() - began
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s; {otherwise()}")


def living(groups: set[int]) -> list[str]:
    """Return what still runs of these process groups (zombies do not)."""
    table = subprocess.run(["ps", "-axo", "pgid=,stat=,args="], capture_output=True, text=True, check=True)
    rows = (line.split(None, 2) for line in table.stdout.splitlines())
    return [row[2] for row in rows if int(row[0]) in groups and not row[1].startswith("Z")]
