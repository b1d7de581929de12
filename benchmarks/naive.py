"""(a) The naive way: how fast one RQ job a recipient is, on the default worker and on SimpleWorker."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from redis import Redis
from rq import Queue
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from benchmarks import naive_app
from benchmarks.bench import Bench
from benchmarks.figures import Figure

_ROOT: Final = Path(__file__).parent.parent
_WORKERS: Final = {"default worker": "rq.worker.Worker", "SimpleWorker": "rq.worker.SimpleWorker"}


def measure(bench: Bench, sample: int) -> list[Figure]:
    """Return recipients a second by either worker; the default one gets a tenth of the sample."""
    found = []
    for name, kind in _WORKERS.items():
        count = sample if name == "SimpleWorker" else max(sample // 10, 20)
        rate = _rate(bench, kind, count)
        found.append(
            Figure(
                "naive",
                f"newsletter, {name}",
                rate,
                "recipients/s",
                "",
                f"one worker, {count:,} recipients; 1,000,000 would take {1e6 / rate / 3600:,.1f} h",
            )
        )
    return found


def _rate(bench: Bench, kind: str, count: int) -> float:
    with _database(bench, count) as url, Redis.from_url(bench.engines.redis_url, db=1) as redis:
        redis.flushdb()
        queue = Queue("naive", connection=redis)
        for number in range(1, count + 1):
            queue.enqueue("benchmarks.naive_app.send_newsletter", 1, number)
        bench.provider.control(latency_ms=0, faults="")
        bench.provider.forget()
        environment = {
            **os.environ,
            "NAIVE_DATABASE_URL": url,
            "NAIVE_SECRET": "a signing key of some length, as it should be",
            "NAIVE_SENDGRID_URL": bench.provider.environment["SENDGRID_API_URL"],
        }
        command = [
            sys.executable, "-m", "rq.cli", "worker", "naive", "--burst", "--quiet",
            "--url", f"{bench.engines.redis_url}?db=1", "--worker-class", kind,
        ]  # fmt: skip
        subprocess.run(command, cwd=_ROOT, env=environment, check=True)  # noqa: S603 - rq itself
    seen = bench.provider.summary()
    if seen["distinct"] != count:
        raise RuntimeError(f"{seen['distinct']} of {count} reached the provider")
    rate: float = (count - 1) / (seen["last_at"] - seen["first_at"])
    return rate


@contextmanager
def _database(bench: Bench, count: int) -> Iterator[str]:
    """Give a database with that many recipients."""
    databases = bench.engines.databases
    name = databases.create()
    url = databases.url(name)
    engine = create_engine(url)
    try:
        naive_app.Base.metadata.create_all(engine)
        with Session(engine) as session:
            session.add_all(
                naive_app.Recipient(
                    id=number, email=f"client.{number}@example.com", name="Awa Diop", subscribed=True
                )
                for number in range(1, count + 1)
            )
            session.commit()
        engine.dispose()
        yield url
    finally:
        engine.dispose()
        databases.drop(name)
