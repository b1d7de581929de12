"""Ties children to the supervisor: a guard process ends their groups when it is gone, however it went.

The guard reads a pipe that only the supervisor holds open. Each line adds or removes a process group; at the
end of the pipe the supervisor is dead, and what is still listed is stopped. This works on Linux and macOS
alike, and takes grandchildren along (the web server has workers of its own). On Linux the kernel is asked as
well to signal a child when its parent dies, which covers the moment before the guard has heard of it.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

_PR_SET_PDEATHSIG: Final = 1  # prctl(2)
_GRACE_SECONDS: Final = 3.0


class Guard:
    """The supervisor's end of the pipe."""

    def __init__(self, lock_fd: int) -> None:
        """Start the guard. It shares the lock of the data directory, so that it is free when all are gone."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            pass_fds=(lock_fd,),
            start_new_session=True,
        )

    def alive(self) -> bool:
        """Whether the guard still watches."""
        return self._process.poll() is None

    def add(self, group: int) -> None:
        """Watch a process group."""
        self._tell(f"+{group}\n")

    def remove(self, group: int) -> None:
        """Forget a process group that is gone: its number may be given to others."""
        self._tell(f"-{group}\n")

    def _tell(self, line: str) -> None:
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):  # it died; the supervisor starts another
                self._process.stdin.write(line.encode())
                self._process.stdin.flush()

    def close(self) -> None:
        """Let the guard end; it stops what is still listed."""
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE_SECONDS + 2)


def dies_with_parent() -> Callable[[], None] | None:
    """Return what a child on Linux calls before exec, to be told to stop when its parent dies."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask_the_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it died before the kernel was asked
            os._exit(1)

    return ask_the_kernel


def kill_group(group: int, number: int) -> bool:
    """Signal a process group; False if nobody is left in it."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # macOS says so when only a zombie is left
        return False
    return True


def stop_groups(groups: Iterable[int]) -> None:
    """Ask every group to stop, and end what is left of them when its time is over."""
    left = [group for group in groups if kill_group(group, signal.SIGTERM)]
    deadline = time.monotonic() + _GRACE_SECONDS
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = [group for group in left if kill_group(group, 0)]
    for group in left:
        kill_group(group, signal.SIGKILL)


def watch(lines: Iterable[str]) -> None:
    """Follow the list to its end, then stop what is on it."""
    groups: dict[int, None] = {}
    for line in lines:
        sign, group = line[0], int(line[1:])
        if sign == "+":
            groups[group] = None
        else:
            groups.pop(group, None)
    stop_groups(groups)


def main() -> None:
    """Run the guard. Signals meant for the supervisor are not for it."""
    from setproctitle import setproctitle  # noqa: PLC0415 - the supervisor itself has no use for it here

    setproctitle("notify: guard")
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    watch(sys.stdin)


if __name__ == "__main__":
    main()
