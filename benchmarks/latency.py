"""(b) From the 202 to the provider call, on an idle service and during a newsletter."""

import statistics
import time
from collections.abc import Callable
from typing import Final

from benchmarks import newsletter
from benchmarks.bench import WORKERS, Bench
from benchmarks.figures import Figure
from benchmarks.stack import Stack
from benchmarks.web_load import order

_A_SECOND: Final = 20
_TARGET_MS: Final = 150


def measure(bench: Bench, orders: int, reached: int) -> list[Figure]:
    """Post single orders, twenty a second, alone and while a newsletter to `reached` goes out."""
    with bench.stack(reached) as stack:
        stack.start("web", "scheduler", *WORKERS)
        _delays(stack, 20, lambda: True)  # everything is warm after that
        idle = _delays(stack, orders, lambda: True)
        campaign = newsletter.create(stack)
        newsletter.schedule(stack, campaign)
        busy = _delays(stack, 1_000_000, lambda: _goes_on(stack, campaign))
    first = _figures("idle", idle, f"≤ {_TARGET_MS}")
    return first + _figures(f"during {reached:,}", busy, f"≤ {2 * _TARGET_MS}")


def _goes_on(stack: Stack, campaign: str) -> bool:
    status: str = stack.api.call("GET", f"/v1/campaigns/{campaign}")["status"]
    return status in {"scheduled", "sending"}


def _delays(stack: Stack, most: int, go_on: Callable[[], bool]) -> list[float]:
    """Post orders; return the seconds from each 202 to its call, sorted."""
    accepted: dict[str, float] = {}
    run, begun = f"L{time.monotonic_ns()}", time.monotonic()
    for number in range(most):
        if number % _A_SECOND == 0 and not go_on():
            break
        time.sleep(max(0.0, begun + number / _A_SECOND - time.monotonic()))
        answer = stack.api.call("POST", "/v1/notifications", order(run, number))
        accepted[answer["messages"][0]["id"]] = time.time()
    deadline = time.monotonic() + 60
    while True:
        seen = stack.provider.of_ids(accepted)
        missing = [one for one, found in seen.items() if found["first_at"] is None]
        if not missing:
            return sorted(seen[one]["first_at"] - at for one, at in accepted.items())
        if time.monotonic() > deadline:
            raise RuntimeError(f"{len(missing)} of {len(accepted)} orders did not leave within a minute")
        time.sleep(0.2)


def _figures(when: str, delays: list[float], target: str) -> list[Figure]:
    cuts = statistics.quantiles(delays, n=100, method="inclusive")
    note = f"{len(delays):,} orders; longest {delays[-1] * 1000:.0f} ms"
    return [
        Figure("202 → call", f"{when}: p50", cuts[49] * 1000, "ms", "", note),
        Figure("202 → call", f"{when}: p99", cuts[98] * 1000, "ms", target, note),
    ]
