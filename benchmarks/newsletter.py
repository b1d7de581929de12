"""(b) A newsletter through this service, from the call that schedules it to its last message on record."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from benchmarks.bench import Bench
from benchmarks.figures import Figure
from benchmarks.measuring import Cost, Meter
from benchmarks.stack import Stack

_LONGEST_SECONDS: Final = 900
_LEDGER_SETTLED: Final = """
    SELECT (SELECT coalesce(max(id), 0) FROM consent_records) = last.id
        AND (SELECT coalesce(min(entry_id), 0) FROM ledger_followers) >= last.id
        AND NOT EXISTS (SELECT FROM journal_lines)
    FROM (SELECT coalesce(max(last_id), 0) AS id FROM ledger_seals) AS last
"""
_SECONDS_TO_REACH: Final = 40

CONTENT: Final = {
    "fr": {
        "subject": "{{ name }}, les nouvelles de la semaine",
        "preheader": "Cinq nouveautés, et une invitation.",
        "body": "Bonjour {{ name }},\n\n"
        + "\n\n".join(
            f"## Nouveauté {number}\n\nUne courte présentation, comme en porte toute lettre d'information, en"
            f" deux phrases. Elle dit l'essentiel.\n\n[Lire la suite](https://www.example.org/n/{number})"
            for number in range(1, 6)
        ),
    },
    "en": {
        "subject": "{{ name }}, this week's news",
        "preheader": "Five novelties, and an invitation.",
        "body": "Hello {{ name }},\n\n"
        + "\n\n".join(
            f"## Novelty {number}\n\nA short presentation, as every newsletter has one, in two sentences. It"
            f" says what matters.\n\n[Read on](https://www.example.org/n/{number})"
            for number in range(1, 6)
        ),
    },
}


@dataclass(frozen=True, slots=True)
class Run:
    """A newsletter that went out: its cost, and what the provider saw."""

    reached: int
    cost: Cost
    seen: dict[str, Any]

    @property
    def rate(self) -> float:
        """Recipients a second."""
        return self.reached / self.cost.seconds


def create(stack: Stack, name: str = "Jeudi") -> str:
    """Create a newsletter to everyone; return the campaign's id."""
    body = {
        "name": name,
        "topic": "company_news",
        "channels": ["email"],
        "template": "newsletter",
        "content": CONTENT,
    }
    return str(stack.api.call("POST", "/v1/campaigns", body)["id"])


def schedule(stack: Stack, campaign: str) -> None:
    """Schedule a campaign for now."""
    stack.api.call("POST", f"/v1/campaigns/{campaign}/schedule", {"send_at": datetime.now(UTC).isoformat()})


def await_sent(stack: Stack, campaign: str, seconds: float = _LONGEST_SECONDS) -> dict[str, Any]:
    """Wait until a campaign is `sent`; return it as the API shows it."""
    number = int(campaign.rpartition("_")[2])
    deadline = time.monotonic() + seconds
    while True:
        # The row alone is asked, so that the waiting costs nothing that counts.
        status = stack.query("SELECT status FROM campaigns WHERE id = :number", number=number)[0][0]
        if status not in {"scheduled", "sending"} or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    found: dict[str, Any] = stack.api.call("GET", f"/v1/campaigns/{campaign}")
    if status != "sent":
        raise RuntimeError(f"the campaign is {status}: {found['reason']}, {found['progress']}")
    return found


def await_ledger(stack: Stack, seconds: float = _LONGEST_SECONDS) -> None:
    """Wait until the ledger of the recipients that were put in is sealed, followed and journalled.

    They came in a moment ago and without a scheduler; those of a shop came in long before its newsletter.
    """
    deadline = time.monotonic() + seconds
    while not stack.query(_LEDGER_SETTLED)[0][0]:
        if time.monotonic() > deadline:
            raise RuntimeError("the ledger is still being sealed")
        time.sleep(0.5)


def send(bench: Bench, stack: Stack, reached: int, workers: int) -> Run:
    """Send a newsletter with that many bulk workers, and check at the provider's side that all is well."""
    names = ["worker bulk", *(f"worker bulk {number}" for number in range(2, workers + 1))]
    stack.start("web", "scheduler", *names)
    await_ledger(stack)
    campaign = create(stack)
    bench.provider.forget()
    meter = Meter(bench.engines, stack)
    meter.begin()
    schedule(stack, campaign)
    found = await_sent(stack, campaign)
    cost = meter.end(datetime.fromisoformat(found["finished_at"]).timestamp())
    seen = bench.provider.summary()
    counted = (seen["distinct"], seen["doubled"], seen["addresses_doubled"])
    if counted != (reached, 0, 0) or found["progress"].get("sent", 0) != reached:
        raise RuntimeError(f"{reached} expected, the provider saw {counted}; progress {found['progress']}")
    return Run(reached, cost, seen)


def measure(bench: Bench, sizes: list[int], workers: list[int]) -> list[Figure]:
    """Return the figures of newsletters of these sizes, each with these numbers of bulk workers."""
    found = []
    for reached in sizes:
        for count in workers:
            with bench.stack(reached) as stack:
                run = send(bench, stack, reached, count)
            found += _figures(run, count)
    return found


def against(others: str, target: str, found: Sequence[Figure]) -> list[Figure]:
    """Return how many times as fast the newsletters of a run were as `others` (a part of the same run)."""
    rates = [one for one in found if one.unit == "recipients/s"]
    return [
        Figure(
            "newsletter",
            f"{mine.name} against {other.part}, {other.name}",
            mine.value / other.value,
            "×",
            target,
        )
        for other in rates
        for mine in rates
        if other.part == others and mine.part == "newsletter" and other.value
    ]


def _figures(run: Run, workers: int) -> list[Figure]:
    cost, reached = run.cost, run.reached
    label = f"{reached:,}, {workers} bulk worker{'s' if workers > 1 else ''}"
    largest = max(("worker" in name, mb, name) for name, mb in cost.peak.items() if name != "postgresql")
    return [
        Figure("newsletter", f"{label}: time", cost.seconds, "s", _target(reached)),
        Figure("newsletter", f"{label}: rate", run.rate, "recipients/s", "25,000" if reached >= 1e6 else ""),
        Figure(
            "newsletter", f"{label}: memory", largest[1], "MB", "flat, ≤ 200",
            ", ".join(f"{name} {mb:.0f}" for name, mb in cost.peak.items()),
        ),
        Figure("newsletter", f"{label}: database", cost.table_bytes / reached, "bytes/message"),
        Figure("newsletter", f"{label}: log of the database", cost.wal_bytes / reached, "bytes/message"),
        Figure("newsletter", f"{label}: on the wire", run.seen["body_bytes"] / reached, "bytes/message"),
        Figure("newsletter", f"{label}: statements", cost.statements / reached, "a message"),
        Figure(
            "newsletter", f"{label}: processor", sum(cost.cpu.values()) / reached * 1e6, "µs/message", "",
            ", ".join(f"{name} {used / reached * 1e6:.1f}" for name, used in cost.cpu.items()),
        ),
    ]  # fmt: skip


def _target(reached: int) -> str:
    return f"≤ {_SECONDS_TO_REACH}" if reached >= 1_000_000 else ""
