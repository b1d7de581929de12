"""Where the time of a newsletter goes: by process, statement and function, and what PostgreSQL waits for."""

import json
import threading
from collections import Counter
from typing import Final, Self

from benchmarks import newsletter
from benchmarks.bench import Bench
from benchmarks.figures import Figure
from benchmarks.stack import Stack

_EVERY_SECONDS: Final = 0.05
_ACTIVE: Final = (
    "SELECT coalesce(wait_event_type || ': ' || wait_event, 'on the processor') AS doing,"
    " left(query, 60) AS query FROM pg_stat_activity"
    " WHERE state = 'active' AND datname = current_database() AND pid <> pg_backend_pid()"
)
_SHOWN: Final = 30


def measure(bench: Bench, reached: int, workers: int) -> list[Figure]:
    """Send a newsletter with its first bulk worker sampled; return what each process took."""
    path = bench.engines.directory / "samples.json"
    with bench.stack(reached) as stack:
        stack.sample("worker bulk", path)
        with _Activity(stack) as activity:
            run = newsletter.send(bench, stack, reached, workers)
    cost = run.cost
    each = 1e6 / reached
    print(f"\n{reached:,} recipients, {workers} workers, sampled: {run.rate:,.0f}/s, {cost.seconds:.1f} s")
    print("\nstatements:\n" + "\n".join(cost.slowest))
    print("\nPostgreSQL, active backends on average:\n" + activity.account())
    print("\nworker:\n" + _samples(json.loads(path.read_text())))
    return [
        Figure("profile", f"processor of {name}", used * each, "µs/message")
        for name, used in cost.cpu.items()
    ]


def _samples(found: dict[str, list[tuple[str, int]]]) -> str:
    """Return the functions of ours that were most at work, in percent of one thread's time."""
    total: int = found["samples"]  # type: ignore[assignment]
    lines = []
    for title, key in (
        ("at work, with all they call", "busy"),
        ("innermost", "leaves"),
        ("waiting", "waits"),
    ):
        lines.append(f"  {title}:")
        lines += [f"    {count / total * 100:6.1f} %  {name}" for name, count in found[key][:_SHOWN]]
    return "\n".join(lines)


class _Activity:
    """Looks at PostgreSQL's backends while something runs."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._looks = 0
        self._doing: Counter[str] = Counter()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def account(self) -> str:
        """Return what backends were doing, and how many of them on average."""
        common = self._doing.most_common(12)
        return "\n".join(f"  {count / max(self._looks, 1):6.2f}  {what}" for what, count in common)

    def _run(self) -> None:
        while not self._stop.wait(_EVERY_SECONDS):
            self._looks += 1
            for row in self._stack.query(_ACTIVE):
                self._doing[f"{row.doing} | {' '.join(row.query.split())}"] += 1
