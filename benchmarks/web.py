"""(b) The web's hot paths, on the server of the Procfile: single orders, batches, one-click opt-outs."""

import uuid
from typing import Final

from benchmarks.bench import Bench
from benchmarks.figures import Figure
from benchmarks.web_load import SCENARIOS, Run

_TARGETS: Final = {
    "single": (16, "≥ 600", "≤ 60"),
    "batch": (2, "≥ 5,000", ""),
    "one-click": (16, "≥ 1,200", "≤ 40"),
}


def measure(bench: Bench, seconds: float) -> list[Figure]:
    """Measure each path for so many seconds, on a database of its own and with no worker running."""
    found = []
    for name, (connections, rate_target, p99_target) in _TARGETS.items():
        with bench.stack() as stack:
            stack.start("web")
            run_id = "".join(chr(ord("a") + int(digit, 16)) for digit in uuid.uuid4().hex[:8])
            url, key = stack.address.url, stack.api.key
            report = SCENARIOS[name](Run(stack.composition, url, key, run_id, seconds, connections, 0))
            memory = stack.running["web"].usage().peak_megabytes
        if any(status >= 300 for status in report.statuses):
            raise RuntimeError(f"{name}: {report}")
        note = f"{connections} connections, p50 {report.p50:.1f} ms, {memory:.0f} MB"
        unit = "notifications/s" if report.items > 1 else "/s"
        found += [
            Figure("web", name, report.rate * report.items, unit, rate_target, note),
            Figure("web", f"{name}: p99", report.p99, "ms", p99_target, note),
        ]
    return found
