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
        found = _kill(stack, "urgent")
        stack.stop("worker urgent")
        campaign = newsletter.create(stack)
        newsletter.schedule(stack, campaign)
        stack.start("worker bulk")
        return found + _kill(stack, "bulk")


def _kill(stack: Stack, lane: str) -> list[Figure]:
    """Kill the lane's worker in mid-call; tell when the next call is made, and when the dead hold nothing."""
    running = stack.running[f"worker {lane}"]
    wait_until(lambda: bool(_held(stack, lane, "calling")), 60, f"a call of the lane {lane}", every=0.01)
    running.kill()
    killed_at, clock = time.monotonic(), time.time()
    running.bury()
    claimed, calling = _held(stack, lane, "claimed"), _held(stack, lane, "calling")
    time.sleep(_REVIVED_AFTER_SECONDS)
    running.start()
    took = {}
    for name, held in (("claimed", claimed), ("calling", calling)):
        wait_until(lambda held=held: not held & _held(stack, lane), 120, f"recovery of what was {name}")  # type: ignore[misc]
        took[name] = time.monotonic() - killed_at
    next_call = (
        min((at for at, *_ in stack.provider.calls() if at > clock + 0.1), default=float("inf")) - clock
    )
    note = f"started again after {_REVIVED_AFTER_SECONDS:.0f} s, provider at {_LATENCY_MS} ms"
    what = f"kill -9 of worker {lane}"
    lease = "the lease of a call is its time-out and a margin"
    return [
        Figure(what, "next call after", next_call, "s", "≤ 20", note),
        Figure(what, "what it had claimed is free after", took["claimed"], "s", "≤ 20", f"{len(claimed)}"),
        Figure(
            what,
            "what it was calling is unknown after",
            took["calling"],
            "s",
            "≤ 20",
            f"{len(calling)}; {lease}",
        ),
    ]


def _held(stack: Stack, lane: str, phase: str | None = None) -> set[tuple[Any, ...]]:
    """Return which dispatches are held, and by which claim."""
    rows = stack.query(_HELD, lane=lane)
    return {(row.id, row.claim) for row in rows if phase in {None, row.phase}}
