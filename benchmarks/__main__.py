"""`make bench`: run the standard measurements, or one part of them, and print a table."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from benchmarks import (
    events,
    floor,
    importing,
    latency,
    leaving,
    naive,
    newsletter,
    profiling,
    recovery,
    single,
    web,
)
from benchmarks.bench import Bench
from benchmarks.directories import directory
from benchmarks.figures import Figure, table, write
from benchmarks.provider_side import providers
from benchmarks.stack import DURABLE, engines

_README: Final = Path(__file__).parent / "README.md"

Part = Callable[[Bench, argparse.Namespace], list[Figure]]


PARTS: Final[dict[str, Part]] = {
    "naive": lambda bench, given: naive.measure(bench, given.sample),
    "floor": lambda bench, given: floor.measure(bench, given.floor),
    "newsletter": lambda bench, given: newsletter.measure(bench, given.recipients, given.workers),
    "single": lambda bench, given: single.measure(bench, given.orders),
    "web": lambda bench, given: web.measure(bench, given.seconds),
    "latency": lambda bench, given: latency.measure(bench, given.latency_orders, max(given.recipients)),
    "recovery": lambda bench, given: recovery.measure(bench, given.orders, min(given.recipients)),
    "events": lambda bench, given: events.measure(bench, given.reported),
    "import": lambda bench, given: importing.measure(bench, given.imported),
}
"""What can be measured, in the order of a standard run."""

MORE: Final[dict[str, Part]] = {
    "leaving": lambda bench, _: leaving.measure(bench),
    "profile": lambda bench, given: profiling.measure(bench, max(given.recipients), max(given.workers)),
}
"""What is measured only when it is named."""


def main(words: Sequence[str] | None = None) -> None:
    """Measure, print, and keep."""
    given = _parser().parse_args(words)
    runs: list[list[Figure]] = []
    with directory(given.directory) as home, engines(home, given.postgres) as parts:
        for number in range(given.runs):
            with providers(home) as provider:
                bench = Bench(parts, provider)
                found: list[Figure] = []
                for name in given.parts or list(PARTS):
                    begun = time.monotonic()
                    found += (PARTS | MORE)[name](bench, given)
                    took = time.monotonic() - begun
                    print(f"# run {number + 1}, {name}: {took:.0f} s", file=sys.stderr, flush=True)
                found += newsletter.against("naive", "≥ 300 (SimpleWorker)", found)
                found += newsletter.against("floor", "", found)
                runs.append(found)
    print(table(runs))
    if given.keep:
        write(_README, runs, (*DURABLE, *given.postgres))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("parts", nargs="*", choices=[*PARTS, *MORE, []], metavar="part", help=", ".join([*PARTS, *MORE]))
    add("--runs", type=int, default=1, help="how often; the table shows medians")
    add("--keep", action="store_true", help="write the table to benchmarks/README.md")
    add("--directory", type=Path, help="keep databases here, for the next time")
    add("--postgres", action="append", default=[], help="a setting of PostgreSQL, name=value")
    add("--sample", type=int, default=1_000, help="recipients of the naive newsletter")
    add("--recipients", type=int, nargs="+", default=[10_000, 1_000_000], help="sizes of newsletters")
    add("--workers", type=int, nargs="+", default=[1, 2], help="numbers of bulk workers")
    add("--orders", type=int, default=5_000, help="order updates sent one by one")
    add("--floor", type=int, default=200_000, help="recipients of the floor")
    add("--seconds", type=float, default=8, help="how long each of the web's paths is measured")
    add("--latency-orders", type=int, default=200, help="orders posted to an idle service")
    add("--reported", type=int, default=50_000, help="messages that events report on")
    add("--imported", type=int, nargs="+", default=[1_000_000], help="sizes of imports")
    return parser


if __name__ == "__main__":
    main()
