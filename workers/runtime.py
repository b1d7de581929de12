"""One warm composition for each process: connections and templates are built once."""

from functools import cache

from notify.bootstrap import Composition, build
from notify.domain.requests import Lane
from notify.settings import load_settings
from workers.pump import Pump


@cache
def composition(role: str) -> Composition:
    """Return this process's composition, built at the first call; `role` is what the process does."""
    built = build(load_settings(), role)
    if built.settings.metrics_port is not None:
        built.exposition.serve(built.settings.metrics_port)
    return built


def worker(lane: Lane) -> Composition:
    """Return the composition of a lane's worker."""
    return composition(f"worker {lane}")


@cache
def pump(lane: Lane) -> Pump:
    """Return the threads of a lane's worker; `workers.main` starts and stops them."""
    parts = worker(lane)
    return Pump(lambda: parts.deliver(lane), parts.settings.worker_threads)
