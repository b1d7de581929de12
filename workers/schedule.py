"""What runs periodically. Two schedulers at once are harmless: every task claims its work in the database."""

import gc
import logging
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from setproctitle import setproctitle

from notify.bootstrap import Composition
from notify.domain.errors import UnavailableError
from notify.logs import configure_logs
from workers import runtime
from workers.looping import Loop

_log: Final = logging.getLogger(__name__)

_SLICE_SECONDS: Final = 10
_LOOK_FOR_CAMPAIGNS_SECONDS: Final = 0.5
_NICENESS: Final = 10
"""How far campaigns stand back when orders and pages want the same processor."""


@dataclass(frozen=True, slots=True)
class Task:
    """A use case, and every how many seconds it runs."""

    name: str
    every: float
    run: Callable[[], object]


def run(tasks: Sequence[Task], stop: threading.Event) -> None:
    """Run each task at its pace until `stop`; one that fails is logged, and has its next turn."""
    due = {task.name: time.monotonic() for task in tasks}
    while not stop.is_set():
        for task in tasks:
            if time.monotonic() >= due[task.name]:
                due[task.name] = time.monotonic() + task.every
                _attempt(task)
        stop.wait(max(0.05, min(due.values()) - time.monotonic()))


def _attempt(task: Task) -> None:
    try:
        task.run()
    except UnavailableError as error:
        _log.warning("database out of reach", extra={"task": task.name, "error": str(error)})
    except Exception:  # noqa: BLE001 - the other tasks must go on
        _log.exception("task failed", extra={"task": task.name})


def _first(parts: Composition) -> list[Task]:
    """Return what is quick, and waited for at the end."""
    return [
        Task("reconcile", 1.0, parts.reconcile),
        Task("watch campaigns", 3.0, parts.watch_campaigns),
        Task("watch complaints", 600.0, parts.watch_complaints),
        Task("end pauses", 15.0, parts.end_pauses),
        Task("purge", 3600.0, parts.purge),
    ]


def _apart(parts: Composition) -> Mapping[str, Sequence[Task]]:
    """Return what may take long, by the name of the thread that it has to itself."""
    # First it seals: only what is sealed is followed.
    ledger = [Task("seal", 1.0, parts.seal_ledger), Task("follow", 1.0, parts.follow_ledger)]
    if parts.mail_ledger_head:
        ledger.append(Task("mail the ledger's head", 60.0, parts.mail_ledger_head))
    return {
        "ledger": ledger,  # a large import leaves it much to do
        "settle": [Task("settle", 10.0, parts.settle_unknown)],  # it calls providers
        "errands": [Task("errands", 10.0, parts.run_errands)],  # so do these, and must not keep that waiting
        "retain": [Task("retain", 3600.0, parts.retain)],  # it goes over everything that is kept
        "journal": [Task("journal", 1.0, parts.write_journal)],  # a disk may not answer
    }


def main() -> None:
    """Run until told to stop."""
    setproctitle("notify: scheduler")
    configure_logs("scheduler")
    # Blocked before any thread starts, and waited for below: a handler must not touch an Event.
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    parts = runtime.composition("scheduler")
    first, apart = _first(parts), _apart(parts)
    # A slice takes long too, and its work in Python must not hold up a worker that delivers.
    campaigns = Loop("campaigns", parts.run_campaigns, _LOOK_FOR_CAMPAIGNS_SECONDS, niceness=_NICENESS)
    gc.freeze()  # what is there by now stays: looking at it again and again took a third of a campaign's time
    campaigns.start()
    stop = threading.Event()
    waited_for = threading.Thread(target=run, args=(first, stop), name="schedule")
    waited_for.start()
    for name, tasks in apart.items():
        threading.Thread(target=run, args=(tasks, stop), name=name, daemon=True).start()
    signal.sigwait(ends)
    stop.set()
    waited_for.join()
    if not campaigns.stop(_SLICE_SECONDS):
        _log.error("a slice of a campaign was cut off; it will be made again")


if __name__ == "__main__":
    main()
