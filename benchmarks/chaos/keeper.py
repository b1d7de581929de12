"""Kills processes at random points, and starts them again, as a supervisor would."""

import random
import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Self

from redis import Redis, RedisError

from benchmarks.processes import Running
from benchmarks.stack import Engines, Stack
from tests.servers import PostgresProcess

_TICK_SECONDS: Final = 0.1
_LONGEST_REVIVAL_SECONDS: Final = 2.0

_WEIGHTS: Final[Mapping[str, int]] = {
    "worker bulk": 10,
    "worker urgent": 7,
    "worker normal": 4,
    "scheduler": 4,
    "web": 3,
    "web child": 5,
    "valkey": 4,
    "valkey flushed": 3,
    "postgresql": 3,
}
"""How often each is hit, of 43."""


@dataclass(slots=True)
class Log:
    """What was done to the service, and when."""

    begun: float = field(default_factory=time.monotonic)
    counts: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    seconds: float = 0.0

    def note(self, what: str, *, kills: int) -> None:
        """Count one blow, and how many processes it killed, and print it."""
        self.counts[what] += 1
        self.kills += kills
        self.seconds = time.monotonic() - self.begun
        print(f"{self.seconds:7.1f} s  {what}", flush=True)


class Keeper:
    """Starts again what has died: up to two seconds later, in a thread of its own."""

    def __init__(self, engines: Engines, stack: Stack, dice: random.Random) -> None:
        self._engines = engines
        self._stack = stack
        self._dice = dice
        self._due: dict[str, float] = {}
        self._postgres_due: float | None = None
        self._paused_until: dict[str, float] = {}
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def keep_away(self, name: str, seconds: float) -> None:
        """Leave a process dead for that long, instead of two seconds at most."""
        with self._lock:
            self._paused_until[name] = time.monotonic() + seconds

    def crash_postgresql(self) -> bool:
        """Crash PostgreSQL; it is started again within two seconds. False if it lies there already."""
        with self._lock:
            if self._postgres_due is not None:
                return False
            self._engines.postgres.crash()
            self._postgres_due = time.monotonic() + self._dice.uniform(0, _LONGEST_REVIVAL_SECONDS)
            return True

    def all_alive(self) -> bool:
        """Whether everything runs, and nothing is about to be started."""
        with self._lock:
            lying = self._due or self._postgres_due is not None
            return not lying and all(running.alive() for running in self._kept().values())

    def _kept(self) -> dict[str, Running]:
        return {**self._stack.running, "valkey": self._engines.valkey}

    def _run(self) -> None:
        while not self._stop.wait(_TICK_SECONDS):
            with self._lock:
                now = time.monotonic()
                for name, running in self._kept().items():
                    self._tend(name, running, now)
                if self._postgres_due is not None and now >= self._postgres_due:
                    _start_again(self._engines.postgres)
                    self._postgres_due = None

    def _tend(self, name: str, running: Running, now: float) -> None:
        if running.alive():
            return
        if name not in self._due:
            running.bury()
            delay = self._dice.uniform(0, _LONGEST_REVIVAL_SECONDS)
            self._due[name] = max(now + delay, self._paused_until.pop(name, 0.0))
        elif now >= self._due[name]:
            del self._due[name]
            running.start()


def _start_again(postgres: PostgresProcess, tries: int = 5) -> None:
    """Start PostgreSQL; somebody's outgoing connection may sit on its port for a moment."""
    for left in reversed(range(tries)):
        try:
            postgres.start()
        except RuntimeError:
            if not left:
                raise
            time.sleep(1)
        else:
            return


class Killer:
    """Strikes at random points until it has killed often enough."""

    def __init__(self, engines: Engines, stack: Stack, keeper: Keeper, dice: random.Random) -> None:
        self._engines = engines
        self._stack = stack
        self._keeper = keeper
        self._dice = dice
        self.log = Log()

    def strike(self, kills: int, pause: float, absence: float) -> None:
        """Kill `kills` processes, about every `pause` seconds; once, Redis stays away for `absence`."""
        names, weights = list(_WEIGHTS), list(_WEIGHTS.values())
        away_at = kills // 2 if absence else kills
        while self.log.kills < kills:
            time.sleep(self._dice.uniform(0.2, 1.8) * pause)
            if self.log.kills >= away_at:
                self._keeper.keep_away("valkey", absence)
                self._engines.valkey.kill()
                self.log.note(f"kill -9 valkey, away for {absence:.0f} s", kills=1)
                away_at = kills
            else:
                self._hit(self._dice.choices(names, weights)[0])

    def _hit(self, victim: str) -> None:
        if victim == "valkey flushed":
            with suppress(RedisError), Redis.from_url(self._engines.redis_url, socket_timeout=2) as redis:
                redis.flushall()
                self.log.note("flush valkey", kills=0)
        elif victim == "postgresql":
            if self._keeper.crash_postgresql():
                self.log.note("crash postgresql", kills=1)
        else:
            name = victim.removesuffix(" child")
            running = self._engines.valkey if name == "valkey" else self._stack.running[name]
            pids = running.pids()
            if pids:
                running.kill(self._dice.choice(pids[1:] or pids) if name != victim else pids[0])
                self.log.note(f"kill -9 {victim}", kills=1)
