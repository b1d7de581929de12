"""`make bench`: run the standard measurements, or one part of them, and print a table."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from benchmarks import naive, newsletter, single
from benchmarks.bench import Bench
from benchmarks.directories import directory
from benchmarks.figures import Figure, table, write
from benchmarks.provider_side import providers
from benchmarks.stack import DURABLE, engines

_README: Final = Path(__file__).parent / "README.md"

Part = Callable[[Bench, argparse.Namespace], list[Figure]]


def _naive(bench: Bench, given: argparse.Namespace) -> list[Figure]:
    return naive.measure(bench, given.sample)


def _newsletter(bench: Bench, given: argparse.Namespace) -> list[Figure]:
    return newsletter.measure(bench, given.recipients, given.workers)


def _single(bench: Bench, given: argparse.Namespace) -> list[Figure]:
    return single.measure(bench, given.orders)


PARTS: Final[dict[str, Part]] = {"naive": _naive, "newsletter": _newsletter, "single": _single}
"""What can be measured, in the order of a standard run."""


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
                    found += PARTS[name](bench, given)
                    took = time.monotonic() - begun
                    print(f"# run {number + 1}, {name}: {took:.0f} s", file=sys.stderr, flush=True)
                runs.append(found)
    print(table(runs))
    if given.keep:
        write(_README, runs, (*DURABLE, *given.postgres))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="part", help=", ".join(PARTS))
    parser.add_argument("--runs", type=int, default=1, help="how often; the table shows medians")
    parser.add_argument("--keep", action="store_true", help="write the table to benchmarks/README.md")
    parser.add_argument("--directory", type=Path, help="keep databases here, for the next time")
    parser.add_argument("--postgres", action="append", default=[], help="a setting of PostgreSQL, name=value")
    parser.add_argument("--sample", type=int, default=1_000, help="recipients of the naive newsletter")
    parser.add_argument(
        "--recipients", type=int, nargs="+", default=[10_000, 1_000_000], help="sizes of newsletters"
    )
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="numbers of bulk workers")
    parser.add_argument("--orders", type=int, default=5_000, help="order updates sent one by one")
    return parser


if __name__ == "__main__":
    main()
