"""What a provider got, counted at its side: exact for a million messages, in some twenty bytes each."""

import time
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby, pairwise
from typing import Any, BinaryIO, Final

Messages = Sequence[tuple[str, str]]
"""The messages of a call: our id (or what stands for it) and the address of each."""

_FLUSH_SECONDS: Final = 0.2


class Tally:
    """Counts calls and messages, and writes a line a message where a log is asked for.

    Ids are kept as 64-bit hashes: two of a million share one once in 30 million runs.
    """

    def __init__(self, provider: str, log: BinaryIO | None = None) -> None:
        """`log` gets lines of `at provider call status taken id address`, tab-separated; `at` in µs."""
        self._provider = provider
        self._log = log
        self._flushed_at = 0.0
        self.connections = 0
        self.in_flight = 0
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self._ids, self._addresses, self._calls = array("q"), array("q"), array("I")
        self._arrived, self._served = array("d"), array("f")
        self._sizes, self._statuses, self._taken = array("I"), array("H"), array("b")
        self._bytes = self.taken = 0
        self.most_in_flight = 0

    def begin(self) -> None:
        """Count a call that has come in."""
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def call(
        self, at: float, status: int, messages: Messages, *, taken: bool, length: int, served: float
    ) -> None:
        """Count one call: its arrival, its answer (0 for none), and whether its messages will be delivered.

        `length` is the bytes of its body, `served` the seconds of CPU it took here.
        """
        number = len(self._arrived)
        self._arrived.append(at)
        self._served.append(served)
        self._sizes.append(len(messages))
        self._statuses.append(status)
        self._taken.append(taken)
        self._bytes += length
        self.taken += len(messages) if taken else 0
        self._ids.extend([hash(ref) for ref, _ in messages])
        self._addresses.extend([hash(to) for _, to in messages])
        self._calls.extend([number] * len(messages))
        if self._log:
            start = f"{at * 1e6:.0f}\t{self._provider}\t{number}\t{status}\t{int(taken)}\t"
            self._log.write("".join([f"{start}{ref}\t{to}\n" for ref, to in messages]).encode())
            if at - self._flushed_at > _FLUSH_SECONDS:
                self.flush()

    def flush(self) -> None:
        """Write what is still in memory of the log."""
        if self._log:
            self._log.flush()
            self._flushed_at = time.time()

    def progress(self) -> dict[str, Any]:
        """Return how far it is, at no cost."""
        return {"calls": len(self._arrived), "taken": self.taken, "in_flight": self.in_flight}

    def _distinct(self, hashed: "array[int]") -> tuple[int, int]:
        """Count the different ones among what was taken, and those that were taken more than once."""
        ordered = sorted(one for one, call in zip(hashed, self._calls, strict=True) if self._taken[call])
        sizes = [sum(1 for _ in same) for _, same in groupby(ordered)]
        return len(sizes), sum(1 for size in sizes if size > 1)

    def summary(self) -> dict[str, Any]:
        """Return the counts. `distinct` and `doubled` are ids that were taken, and taken more than once."""
        taken = self._taken
        distinct, doubled = self._distinct(self._ids)
        addresses, addresses_doubled = self._distinct(self._addresses)
        starts = sorted(self._arrived)
        gaps = sorted(after - before for before, after in pairwise(starts))
        seconds: Counter[int] = Counter()
        for at, size, good in zip(self._arrived, self._sizes, taken, strict=True):
            seconds[int(at - starts[0])] += size if good else 0
        return {
            "calls": len(self._arrived),
            "calls_taken": sum(taken),
            "connections": self.connections,
            "most_in_flight": self.most_in_flight,
            "body_bytes": self._bytes,
            "statuses": {str(status): n for status, n in sorted(Counter(self._statuses).items())},
            "messages": len(self._ids),
            "taken": self.taken,
            "distinct": distinct,
            "doubled": doubled,
            "addresses": addresses,
            "addresses_doubled": addresses_doubled,
            "first_at": starts[0] if starts else None,
            "last_at": starts[-1] if starts else None,
            "taken_each_second": [seconds[second] for second in range(max(seconds, default=-1) + 1)],
            "gap_ms": _percentiles(gaps),
            "served_ms": _percentiles(sorted(self._served)),
        }

    def calls(self, after: int, most: int) -> list[list[float]]:
        """Return `[arrival, messages, status, taken, CPU ms]` of calls, from number `after` on."""
        part = slice(after, after + most)
        columns = (self._arrived, self._sizes, self._statuses, self._taken, self._served)
        rows = zip(*(column[part] for column in columns), strict=True)
        return [[at, size, status, taken, round(served * 1e3, 3)] for at, size, status, taken, served in rows]

    def of_ids(self, ids: Iterable[str]) -> Mapping[str, Mapping[str, Any]]:
        """Return for each id when it first came, in how many calls, and how often it was taken."""
        wanted = {hash(one): one for one in ids}
        found: dict[str, dict[str, Any]] = {
            one: {"calls": 0, "taken": 0, "first_at": None} for one in wanted.values()
        }
        for hashed, call in zip(self._ids, self._calls, strict=True):
            if hashed in wanted:
                entry = found[wanted[hashed]]
                entry["calls"] += 1
                entry["taken"] += self._taken[call]
                at = self._arrived[call]
                entry["first_at"] = min(at, entry["first_at"] or at)
        return found


def _percentiles(ordered: Sequence[float]) -> dict[str, float]:
    """Return some percentiles of ordered seconds, in milliseconds."""
    if not ordered:
        return {}
    points = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    return {
        name: round(ordered[min(int(len(ordered) * part), len(ordered) - 1)] * 1e3, 3)
        for name, part in points.items()
    }
