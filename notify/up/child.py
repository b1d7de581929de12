"""One process under supervision: started, found dead, started again, stopped."""

import logging
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from notify.up.backoff import STEADY_SECONDS, delay_after
from notify.up.leash import dies_with_parent, kill_group

_LOG: Final = logging.getLogger("notify.up")


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. `grace` is how many seconds it may take to stop before it is killed."""

    name: str
    command: Sequence[str]
    directory: Path
    grace: float
    environment: Mapping[str, str] = field(default_factory=dict)


class Child:
    """A program and the process that runs it now, if one does."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._deaths = 0
        self._due_at = 0.0

    @property
    def group(self) -> int | None:
        """The process group of the process, which is its own; None when it does not run."""
        return self._process.pid if self._process else None

    def due(self) -> bool:
        """Whether it should be started now."""
        return self._process is None and time.monotonic() >= self._due_at

    def start(self) -> int:
        """Start the process in a group of its own, so that Ctrl-C reaches the supervisor alone."""
        self._process = subprocess.Popen(
            self.program.command,
            cwd=self.program.directory,
            env={**os.environ, **self.program.environment},
            stdin=subprocess.DEVNULL,
            process_group=0,
            preexec_fn=dies_with_parent(),  # noqa: PLW1509 - the supervisor has no threads
        )
        self._started_at = time.monotonic()
        return self._process.pid

    def bury(self) -> int | None:
        """If the process has died, end what it left behind and plan the next start; return its old group."""
        if self._process is None or self._process.poll() is None:
            return None
        group, code = self._process.pid, self._process.returncode
        kill_group(group, signal.SIGKILL)  # its own children hold its port, or would go on working
        self._process = None
        now = time.monotonic()
        self._deaths = 1 if now - self._started_at >= STEADY_SECONDS else self._deaths + 1
        delay = delay_after(self._deaths)
        self._due_at = now + delay
        _LOG.warning(
            "Child died; it will be started again",
            extra={"child": self.program.name, "ended_by": _cause(code), "again_in_seconds": delay},
        )
        return group

    def ask_to_stop(self) -> None:
        """Send SIGTERM to the process itself; it tells its own children."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)

    def stopped(self) -> bool:
        """Whether the process has ended."""
        return self._process is None or self._process.poll() is not None

    def end(self) -> int | None:
        """Kill what still runs of it; return the group that is gone."""
        if self._process is None:
            return None
        if self._process.poll() is None:
            _LOG.warning("Child did not stop in time; killed", extra={"child": self.program.name})
        group = self._process.pid
        kill_group(group, signal.SIGKILL)
        self._process.wait()
        self._process = None
        return group


def _cause(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"
