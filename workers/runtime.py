"""One warm composition for each process: connections and templates are built once."""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Event

from notify.bootstrap import Composition, build
from notify.domain.requests import Lane
from notify.settings import load_settings


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
def _threads(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix="deliver")


@cache
def stopping() -> Event:
    """Return what is set when this process is to stop: what is claimed is finished, no more is claimed."""
    return Event()


def drain(lane: Lane, dispatch_ids: Collection[int]) -> int:
    """Deliver these dispatches and whatever else is due in the lane, on all threads; return how many."""
    count = worker(lane).settings.worker_threads
    shares = [list(dispatch_ids)[start::count] for start in range(count)]
    return sum(_threads(count).map(lambda share: _drain(lane, share), shares))


def _drain(lane: Lane, share: Collection[int]) -> int:
    deliver = worker(lane).deliver
    done = deliver(lane, share, limit=len(share)) if share else 0
    while not stopping().is_set() and (claimed := deliver(lane)):
        done += claimed
    return done
