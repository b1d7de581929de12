"""(b) The import of a file of recipients by `notify import`: validated, encrypted, hashed, stored."""

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.bench import Bench
from benchmarks.figures import Figure
from benchmarks.processes import Running
from notify.up.child import Program

_ROOT: Final = Path(__file__).parent.parent
_CITIES: Final = ("Dakar", "Abidjan", "Lyon", "Paris", "Cotonou")
_MICROSECONDS_TO_REACH: Final = 120
"""For each row, of large files: a million in two minutes."""


def measure(bench: Bench, sizes: list[int]) -> list[Figure]:
    """Import files of these numbers of rows, each into an empty database."""
    found = []
    for size, accepted in [*((size, False) for size in sizes), (max(sizes) // 5, True)]:
        with bench.stack() as stack:
            file = bench.engines.directory / f"people-{size}.ndjson"
            _write(file, size, accepted=accepted)
            command = [sys.executable, "-m", "notify", "import", str(file)]
            log = bench.engines.directory / "import.log"
            running = Running(Program("import", command, _ROOT, 5), stack.environment, log)
            begun, peak = time.monotonic(), 0.0
            running.start()
            while running.alive():
                peak = max(peak, running.usage().peak_megabytes)
                time.sleep(0.1)
            seconds = time.monotonic() - begun
            stored = stack.query("SELECT count(*) FROM recipients")[0][0]
            file.unlink()
        if stored != size:
            raise RuntimeError(f"{stored} of {size} were imported: {running.tail()}")
        target = f"≤ {_MICROSECONDS_TO_REACH * size / 1e6:.0f}" if size >= 200_000 else ""
        what = f"{size:,} recipients" + (", each with an acceptance of the policy" if accepted else "")
        found += [
            Figure("import", what, seconds, "s", target, f"{size / seconds:,.0f} a second"),
            Figure("import", f"{what}: memory", peak, "MB", "flat, ≤ 200"),
        ]
    return found


def _write(path: Path, count: int, *, accepted: bool) -> None:
    """Write a file as a shop would export it, with or without acceptances, which go on the ledger."""
    accepted_at = datetime.now(UTC).isoformat()
    with path.open("w") as file:
        for number in range(1, count + 1):
            senegal = number % 3 == 0
            row = {
                "id": f"C-{number}",
                "email": f"client.{number}@example.com",
                "phone": f"+2217{70_000_000 + number % 9_000_000:08d}"
                if senegal
                else f"+336{10_000_000 + number:08d}",
                "name": f"Awa Diop {number}",
                "locale": "fr",
                "country": "SN" if senegal else "FR",
                "attributes": {"city": _CITIES[number % len(_CITIES)], "orders": number % 17},
            }
            if accepted:
                row["consent"] = {
                    "policy_version": "2026-01",
                    "accepted_at": accepted_at,
                    "source": "checkout",
                }
            file.write(json.dumps(row) + "\n")
