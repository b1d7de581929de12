"""What runs periodically. Two schedulers at once are harmless: every task claims its work in the database."""

import gc
import logging
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from setproctitle import setproctitle

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
    except UnavailableError:
        _log.warning("database out of reach", extra={"task": task.name})
    except Exception:  # noqa: BLE001 - the other tasks must go on
        _log.exception("task failed", extra={"task": task.name})


def main() -> None:
    """Run until told to stop."""
    setproctitle("notify: scheduler")
    configure_logs("scheduler")
    # Blocked before any thread starts, and waited for below: a handler must not touch an Event.
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    composition = runtime.composition("scheduler")
    tasks = [
        Task("reconcile", 1.0, composition.reconcile),
        Task("watch campaigns", 3.0, composition.watch_campaigns),
        Task("watch complaints", 600.0, composition.watch_complaints),
        Task("end pauses", 15.0, composition.end_pauses),
        Task("purge", 3600.0, composition.purge),
    ]
    # Apart, since it calls providers: what they take must not hold up the others.
    slow = [Task("settle", 10.0, composition.settle_unknown)]
    # Apart, since it goes over everything that is kept.
    retention = [Task("retain", 3600.0, composition.retain)]
    # Apart: a disk that does not answer must hold up nobody.
    journal = [Task("journal", 1.0, composition.write_journal)]
    # Apart from these too: a provider that does not answer must not keep orders from being settled.
    errands = [Task("errands", 10.0, composition.run_errands)]
    # Apart, since a large import leaves it much to do. First it seals: only what is sealed is followed.
    ledger = [Task("seal", 1.0, composition.seal_ledger), Task("follow", 1.0, composition.follow_ledger)]
    if composition.mail_ledger_head:
        ledger.append(Task("mail the ledger's head", 60.0, composition.mail_ledger_head))
    # Apart as well: a slice takes long, and its work in Python must not hold up a worker that delivers.
    campaigns = Loop("campaigns", composition.run_campaigns, _LOOK_FOR_CAMPAIGNS_SECONDS, niceness=_NICENESS)
    gc.freeze()  # what is there by now stays: looking at it again and again took a third of a campaign's time
    campaigns.start()
    stop = threading.Event()
    loop = threading.Thread(target=run, args=(tasks, stop), name="schedule")
    loop.start()
    threading.Thread(target=run, args=(ledger, stop), name="ledger", daemon=True).start()
    threading.Thread(target=run, args=(slow, stop), name="settle", daemon=True).start()
    threading.Thread(target=run, args=(errands, stop), name="errands", daemon=True).start()
    threading.Thread(target=run, args=(retention, stop), name="retain", daemon=True).start()
    threading.Thread(target=run, args=(journal, stop), name="journal", daemon=True).start()
    signal.sigwait(ends)
    stop.set()
    loop.join()
    if not campaigns.stop(_SLICE_SECONDS):
        _log.error("a slice of a campaign was cut off; it will be made again")


if __name__ == "__main__":
    main()
