"""Figures, their medians over runs, and the table they are shown in."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.machine import libraries, load, machine


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. `target` is what is to be reached, as words; `note` says what it hangs on."""

    part: str
    name: str
    value: float
    unit: str
    target: str = ""
    note: str = ""


def medians(runs: Sequence[Sequence[Figure]]) -> list[tuple[Figure, list[float]]]:
    """Return each figure with its median value, and all its values; in the order they first came."""
    order = {(one.part, one.name): one for run in reversed(runs) for one in reversed(run)}
    values: dict[tuple[str, str], list[float]] = {}
    for run in runs:
        for one in run:
            values.setdefault((one.part, one.name), []).append(one.value)
    found = []
    for key, one in reversed(order.items()):
        middle = statistics.median(values[key])
        found.append((Figure(one.part, one.name, middle, one.unit, one.target, one.note), values[key]))
    return found


def table(runs: Sequence[Sequence[Figure]]) -> str:
    """Return the table, as Markdown."""
    rows = [
        ["part", "figure", "median", "to reach", "runs", "note"],
        ["---", "---", "--:", "---", "---", "---"],
    ]
    for one, values in medians(runs):
        each = " · ".join(_number(value) for value in values)
        rows.append([one.part, one.name, f"{_number(one.value)} {one.unit}", one.target, each, one.note])
    if len(runs) == 1:
        rows[0][2] = "value"
        rows = [[*row[:4], row[5]] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def write(path: Path, runs: Sequence[Sequence[Figure]], settings: Iterable[str]) -> None:
    """Put the table, with machine and date, between the marks of a Markdown file; the rest stays."""
    head = (
        f"{measured_on()}; {libraries()}. PostgreSQL: {', '.join(settings)}."
        f" {_count(len(runs))}; processes that wanted a core at the end: {load():.1f}."
    )
    put(path, "figures", f"{head}\n\n{table(runs)}")


def measured_on() -> str:
    """Say when and on what."""
    return f"{datetime.now(UTC).date().isoformat()}, {machine()}"


def put(path: Path, name: str, content: str) -> None:
    """Put Markdown between the marks of that name; ValueError if the file has none."""
    begin, end = f"<!-- {name}: written by the run itself -->", f"<!-- end of {name} -->"
    text = path.read_text()
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"{path.name} has no place for {name}")
    before, _, rest = text.partition(begin)
    path.write_text(f"{before}{begin}\n\n{content}\n\n{end}{rest.partition(end)[2]}")


def _count(runs: int) -> str:
    return "One run" if runs == 1 else f"Medians of {runs} runs"


def _number(value: float) -> str:
    if value and abs(value) < 10:
        return f"{value:.2f}"
    return f"{value:,.1f}" if abs(value) < 100 else f"{value:,.0f}"
