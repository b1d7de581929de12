"""Runs a module as `python -m` would, and looks at all of its threads a hundred times a second.

    python -m benchmarks.sampling FILE workers.main --lane bulk

FILE gets, at the end or when it is told to stop, how often each of our functions was at work (on the stack)
and how often it was waiting, as JSON. Sampling costs little, unlike cProfile, so that proportions stay true.
A thread that stands at the very place where it was at the look before counts as waiting.
"""

import json
import runpy
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Final

_EVERY_SECONDS: Final = 0.01
_WRITE_EVERY_SECONDS: Final = 1.0
_OURS: Final = ("/notify/", "/workers/")
_SWITCH_SECONDS: Final = 0.0005
"""How long a thread may keep the interpreter: the sampler must not only see those that give it up."""


class Sampler:
    """Counts where threads are."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._busy: Counter[str] = Counter()
        self._leaves: Counter[str] = Counter()
        self._waits: Counter[str] = Counter()
        self._samples = 0
        self._places: dict[int, tuple[int, int]] = {}

    def run(self) -> None:
        """Sample until the process ends."""
        own = threading.get_ident()
        sys.setswitchinterval(_SWITCH_SECONDS)
        written_at = time.monotonic()
        while True:
            time.sleep(_EVERY_SECONDS)
            self._samples += 1
            for thread, frame in sys._current_frames().items():  # noqa: SLF001 - there is no public way
                if thread != own:
                    self._count(thread, frame)
            if time.monotonic() - written_at > _WRITE_EVERY_SECONDS:
                written_at = time.monotonic()
                self._write()

    def _count(self, thread: int, leaf: FrameType) -> None:
        stack: list[str] = []
        frame: FrameType | None = leaf
        while frame is not None:
            stack.append(_name(frame))
            frame = frame.f_back
        ours = [name for name in stack if name.startswith(_OURS_SHORT)]
        if not ours:
            return
        before, self._places[thread] = self._places.get(thread), (id(leaf), leaf.f_lasti)
        if before == self._places[thread]:
            self._waits[ours[0]] += 1
            return
        self._leaves[f"{ours[0]} · {_name(leaf)}"] += 1
        self._busy.update(set(ours))

    def _write(self) -> None:
        draft = self._path.with_suffix(".draft")
        draft.write_text(
            json.dumps(
                {
                    "samples": self._samples,
                    "busy": self._busy.most_common(60),
                    "leaves": self._leaves.most_common(60),
                    "waits": self._waits.most_common(20),
                }
            )
        )
        draft.replace(self._path)


_OURS_SHORT: Final = ("notify/", "workers/")


def _name(frame: FrameType) -> str:
    path = frame.f_code.co_filename
    for mark in _OURS:
        if mark in path:
            path = mark[1:] + path.rpartition(mark)[2]
            break
    else:
        path = "/".join(Path(path).parts[-2:])
    return f"{path}:{frame.f_code.co_name}"


def main() -> None:
    """Start the sampler, and become the module."""
    path, module, *words = sys.argv[1:]
    threading.Thread(target=Sampler(Path(path)).run, name="sampler", daemon=True).start()
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
