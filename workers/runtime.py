"""One warm composition for each process: connections and templates are built once."""

from functools import cache, partial

from notify.bootstrap import Composition, build
from notify.domain.requests import Lane
from notify.settings import load_settings
from notify.usecases.delivery.dispatch_work import Work
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
def pump(lane: Lane) -> Pump[Work]:
    """Return the threads of a lane's worker; `workers.main` starts and stops them."""
    parts = worker(lane)
    deliver = parts.deliver
    prepare = partial(deliver.prepare, lane)
    return Pump(prepare, deliver.send, deliver.record, parts.settings.worker_threads, claimers=2)
