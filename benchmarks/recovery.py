"""(b) A worker is killed with work in its hands: how long until that work goes on."""

import time
from typing import Any, Final

from benchmarks import newsletter, single
from benchmarks.bench import Bench
from benchmarks.figures import Figure
from benchmarks.processes import wait_until
from benchmarks.stack import Stack
from notify.domain.catalogue import Channel

_HELD: Final = (
    "SELECT id, claim, phase FROM dispatches WHERE lane = :lane AND phase IN ('claimed', 'calling')"
)
_REVIVED_AFTER_SECONDS: Final = 1.0
_LATENCY_MS: Final = 300


def measure(bench: Bench, orders: int, reached: int) -> list[Figure]:
    """Kill the worker of the urgent lane in a backlog, and that of the bulk lane in a newsletter."""
    with bench.stack(reached) as stack:
        bench.provider.control(latency_ms=_LATENCY_MS)
        single.queue(stack, Channel.EMAIL, orders)
        stack.start("web", "scheduler", "worker urgent")
        urgent = _kill(stack, "urgent")
        stack.stop("worker urgent")
        campaign = newsletter.create(stack)
        newsletter.schedule(stack, campaign)
        stack.start("worker bulk")
        bulk = _kill(stack, "bulk")
    note = f"revived after {_REVIVED_AFTER_SECONDS:.0f} s, provider at {_LATENCY_MS} ms"
    return [
        Figure("kill -9", f"worker {lane}: its work goes on after", seconds, "s", "≤ 20", f"{held}; {note}")
        for lane, (seconds, held) in (("urgent", urgent), ("bulk", bulk))
    ]


def _kill(stack: Stack, lane: str) -> tuple[float, str]:
    """Kill the lane's worker while it holds work; return the seconds until none of that is held any more."""
    running = stack.running[f"worker {lane}"]
    wait_until(lambda: bool(_held(stack, lane, "calling")), 60, f"a call of the lane {lane}", every=0.01)
    running.kill()
    killed_at = time.monotonic()
    running.bury()
    held = _held(stack, lane)
    time.sleep(_REVIVED_AFTER_SECONDS)
    running.start()
    wait_until(lambda: not held & _held(stack, lane), 120, f"recovery of the lane {lane}")
    return time.monotonic() - killed_at, f"{len(held)} dispatches in its hands"


def _held(stack: Stack, lane: str, phase: str | None = None) -> set[tuple[Any, ...]]:
    """Return which dispatches are held, and by which claim."""
    rows = stack.query(_HELD, lane=lane)
    return {(row.id, row.claim) for row in rows if phase in {None, row.phase}}
