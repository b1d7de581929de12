"""One process of the service under measurement: started, watched, killed by its id, started again."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from notify.up.child import Program
from notify.up.leash import kill_group

_PROC: Final = Path("/proc")
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_KEPT: Final = frozenset({"PATH", "HOME", "LANG", "TMPDIR"})


class Usage(NamedTuple):
    """What a process and its children took: seconds of processor, and the most memory of any of them."""

    cpu_seconds: float
    peak_megabytes: float


class Running:
    """A program in a process group of its own; what it writes ends in a file."""

    def __init__(self, program: Program, environment: Mapping[str, str], log: Path) -> None:
        """`environment` is all that the process sees, beside a few variables every program needs."""
        self.program = program
        self.log = log
        self.starts = 0
        self._environment = {
            **{name: os.environ[name] for name in _KEPT & os.environ.keys()},
            **program.environment,
            **environment,
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        """What the program is called."""
        return self.program.name

    @property
    def pid(self) -> int:
        """The process id; only after `start`."""
        assert self._process is not None, f"{self.name} was never started"
        return self._process.pid

    def start(self) -> None:
        """Start it."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the project's own programs
                self.program.command,
                cwd=self.program.directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )
        self.starts += 1

    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def kill(self, pid: int | None = None) -> None:
        """Kill -9 the process, or one of its children."""
        with suppress(ProcessLookupError):
            os.kill(pid or self.pid, signal.SIGKILL)

    def bury(self) -> None:
        """End what a dead process left behind, as the supervisor of `notify up` does."""
        kill_group(self.pid, signal.SIGKILL)
        if self._process is not None:
            self._process.wait(5)

    def stop(self) -> None:
        """Ask it to stop, and kill it when it takes longer than its program says."""
        if self._process is None:
            return
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(self.program.grace)
        kill_group(self._process.pid, signal.SIGKILL)
        self._process.wait(5)

    def pids(self) -> list[int]:
        """Return the process and its descendants."""
        return list(tree(self.pid)) if self.alive() else []

    def usage(self) -> Usage:
        """Return what it has taken so far; zeros where there is no /proc."""
        return usage_of(self.pid)

    def tail(self, length: int = 2_000) -> str:
        """Return the end of what it wrote."""
        return self.log.read_text(errors="replace")[-length:] if self.log.exists() else ""


def tree(root: int) -> Iterator[int]:
    """Yield a process and its descendants."""
    children: dict[int, list[int]] = {}
    for entry in _PROC.glob("[0-9]*/stat") if _PROC.exists() else ():
        with suppress(OSError):
            fields = _fields(entry)
            children.setdefault(int(fields[1]), []).append(int(entry.parent.name))
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        yield pid
        waiting += children.get(pid, [])


def usage_of(root: int) -> Usage:
    """Return what a process, its descendants and its dead children have taken so far."""
    cpu, peak = 0, 0
    for pid in tree(root):
        with suppress(OSError):
            fields = _fields(_PROC / str(pid) / "stat")
            cpu += sum(int(ticks) for ticks in fields[11:15])  # utime, stime, and those of dead children
            peak = max(peak, _peak_kilobytes(pid))
    return Usage(cpu / _TICKS, peak / 1024)


def _fields(stat: Path) -> list[str]:
    """Return what follows the name in proc(5)'s stat: state, parent and so on."""
    return stat.read_text().rpartition(")")[2].split()


def _peak_kilobytes(pid: int) -> int:
    for line in (_PROC / str(pid) / "status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0


def wait_until(met: Callable[[], bool], seconds: float, what: str, every: float = 0.05) -> float:
    """Wait until `met()` is true and return the seconds it took; RuntimeError names `what` did not come."""
    begun = time.monotonic()
    while not met():
        if time.monotonic() - begun > seconds:
            raise RuntimeError(f"{what}: not within {seconds:.0f} s")
        time.sleep(every)
    return time.monotonic() - begun
