"""What a stretch of work cost: time, processor by process, statements, rows, bytes."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from benchmarks.processes import Usage, usage_of
from benchmarks.stack import Engines, Stack

_TABLES: Final = ("messages", "dispatches", "attempts", "provider_events", "notifications")


@dataclass(slots=True)
class Cost:
    """What was spent between `begin` and `end`."""

    seconds: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    peak: dict[str, float] = field(default_factory=dict)
    statements: int = 0
    commits: int = 0
    wal_bytes: int = 0
    table_bytes: int = 0
    slowest: list[str] = field(default_factory=list)


class Meter:
    """Reads the counters of the system and of PostgreSQL, before and after."""

    def __init__(self, engines: Engines, stack: Stack) -> None:
        self._engines = engines
        self._stack = stack
        self._counters: tuple[int, ...] = ()
        self._usages: Mapping[str, Usage] = {}
        self._begun = 0.0

    def begin(self) -> None:
        """Start counting."""
        self._stack.run("SELECT pg_stat_statements_reset()")
        self._counters = self._read()
        self._usages = self._use()
        self._begun = time.time()

    def end(self, ended: float | None = None) -> Cost:
        """Stop counting; `ended` is when the work was over, by the clock, if not now."""
        cost = Cost(seconds=(ended or time.time()) - self._begun)
        usages = self._use()
        commits, wal, size = (
            after - before for after, before in zip(self._read(), self._counters, strict=True)
        )
        cost.commits, cost.wal_bytes, cost.table_bytes = commits, wal, size
        cost.cpu = {
            name: usage.cpu_seconds - self._usages[name].cpu_seconds if name in self._usages else 0.0
            for name, usage in usages.items()
        }
        cost.peak = {name: usage.peak_megabytes for name, usage in usages.items()}
        rows = self._stack.query(
            "SELECT calls, total_exec_time, query FROM pg_stat_statements s"
            " JOIN pg_database d ON d.oid = s.dbid"
            " WHERE d.datname = current_database() ORDER BY total_exec_time DESC"
        )
        cost.statements = sum(row.calls for row in rows)
        cost.slowest = [
            f"{row.total_exec_time / 1000:8.2f} s {row.calls:8,} × {' '.join(row.query.split())[:110]}"
            for row in rows[:15]
        ]
        return cost

    @property
    def begun(self) -> float:
        """When it began, by the clock."""
        return self._begun

    def _use(self) -> dict[str, Usage]:
        ours = {name: running.usage() for name, running in self._stack.running.items() if running.alive()}
        return {
            **ours,
            "postgresql": usage_of(self._engines.postgres.pid),
            "valkey": self._engines.valkey.usage(),
            "provider": self._stack.provider.running.usage(),
        }

    def _read(self) -> tuple[int, ...]:
        (row,) = self._stack.query(
            "SELECT (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()),"
            " pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint,"
            " (SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class WHERE relname = ANY(:tables))",
            tables=list(_TABLES),
        )
        return tuple(row)
