"""Keeps the processes of one machine alive, and stops them in order."""

import logging
import os
import select
import signal
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Final

from notify.up.child import Child, Program
from notify.up.leash import Guard

_LOG: Final = logging.getLogger("notify.up")
_TICK_SECONDS: Final = 0.2
_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Supervisor:
    """Runs programs until it is told to stop. `stages` are started in order, and stopped in the opposite one.

    Programs of one stage are stopped together.
    """

    def __init__(self, stages: Sequence[Sequence[Program]], lock_fd: int) -> None:
        """Plan; nothing is started yet. `lock_fd` is the lock of the data directory."""
        self._stages = [[Child(program) for program in stage] for stage in stages]
        self._lock_fd = lock_fd
        self._stop_asked = 0

    def run(self, after_stage: Callable[[int], None], ready: Callable[[], bool]) -> None:
        """Start everything, keep it alive, return when all has stopped after SIGINT, SIGTERM or SIGHUP.

        `after_stage` is called once with the number of a stage when that stage was started; `ready` at every
        tick until it returns True.
        """
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in (*_STOP_SIGNALS, signal.SIGCHLD):
            signal.signal(number, self._on_signal)
        self._guard = Guard(self._lock_fd)
        try:
            self._start_all(after_stage)
            is_ready = False
            while not self._stop_asked:
                is_ready = is_ready or ready()
                self._tend()
                if select.select([reader], [], [], _TICK_SECONDS)[0]:
                    os.read(reader, 4096)
        finally:
            self._stop_all()
            self._guard.close()
            signal.set_wakeup_fd(-1)
            os.close(reader)
            os.close(writer)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if number in _STOP_SIGNALS:
            self._stop_asked += 1

    def _start_all(self, after_stage: Callable[[int], None]) -> None:
        for number, stage in enumerate(self._stages):
            for child in stage:
                if self._stop_asked:
                    return
                self._start(child)
            after_stage(number)

    def _start(self, child: Child) -> None:
        group = child.start()
        self._guard.add(group)
        _LOG.info("Started", extra={"child": child.program.name, "pid": group})

    def _tend(self) -> None:
        """Bury the dead and start what is due."""
        if not self._guard.alive():
            _LOG.warning("The guard died; starting another")
            self._guard.close()
            self._guard = Guard(self._lock_fd)
            for child in self._children():
                if child.group is not None:
                    self._guard.add(child.group)
        for child in self._children():
            group = child.bury()
            if group is not None:
                self._guard.remove(group)
            if child.due():
                self._start(child)

    def _children(self) -> list[Child]:
        return [child for stage in self._stages for child in stage]

    def _stop_all(self) -> None:
        """Stop stage by stage, the last one first; a second signal stops waiting."""
        asked = self._stop_asked
        _LOG.info("Stopping")
        for stage in reversed(self._stages):
            for child in stage:
                child.ask_to_stop()
            for child in stage:
                group = self._await(child, asked)
                if group is not None:
                    self._guard.remove(group)
        _LOG.info("Stopped")

    def _await(self, child: Child, asked: int) -> int | None:
        deadline = time.monotonic() + child.program.grace
        while time.monotonic() < deadline and self._stop_asked == asked and not child.stopped():
            time.sleep(0.05)
        return child.end()
