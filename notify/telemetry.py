"""Prometheus metrics of all processes of a machine, written to files that any of them can add up."""

import errno
import fcntl
import itertools
import os
import re
import threading
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from notify.domain.backlog import BacklogReport
from notify.domain.catalogue import Channel
from notify.domain.errors import UnavailableError
from notify.ports import Backlog, Clock, Queues

_BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, float("inf"))
_REASON: Final = re.compile(r"[A-Za-z0-9_.: -]{0,40}")
_MOST_REASONS: Final = 100
_RETRY_BIND_SECONDS: Final = 5.0


class PrometheusTelemetry:
    """Counts and times what this process does. Costs microseconds, takes no part in any transaction."""

    def __init__(self, directory: Path, role: str) -> None:
        """Write below `directory`, shared by all processes of the machine; `role` as in `configure_logs`."""
        self._sheet = _Sheet(directory, re.sub(r"[^a-z0-9]+", "-", role.lower()))
        self._reasons: set[str] = set()

    def accepted(self, topic: str, channel: Channel) -> None:
        """Count a message that was accepted."""
        labels = {"topic": topic, "channel": channel.value}
        self._sheet.count("notify_messages_accepted", "Messages accepted", labels)

    def settled(
        self, topic: str, channel: Channel, provider: str, status: str, reason: str, *, count: int = 1
    ) -> None:
        """Count messages that reached a status."""
        labels = {
            "topic": topic,
            "channel": channel.value,
            "provider": provider,
            "status": status,
            "reason": self._bounded(reason),
        }
        self._sheet.count("notify_messages_settled", "Messages that reached a status", labels, count)

    def webhook(self, provider: str, outcome: str) -> None:
        """Count a post to a provider's webhook."""
        labels = {"provider": provider, "outcome": outcome}
        self._sheet.count("notify_webhook_posts", "Posts of providers to our webhooks", labels)

    def events(self, provider: str, kind: str, outcome: str, *, count: int) -> None:
        """Count events that were read."""
        labels = {"provider": provider, "kind": kind, "outcome": outcome}
        self._sheet.count("notify_provider_events", "Events that providers reported", labels, count)

    def provider_call(self, provider: str, outcome: str, seconds: float) -> None:
        """Record how long a provider call took."""
        labels = {"provider": provider, "outcome": outcome}
        self._sheet.observe("notify_provider_call_seconds", "Duration of provider calls", labels, seconds)

    def provider_up(self, provider: str, up: bool) -> None:  # noqa: FBT001 - the metric's only value
        """Record whether a provider is in use; of several processes the last that changed its mind counts."""
        labels = {"provider": provider}
        self._sheet.put("notify_provider_up", "Whether a provider is in use", labels, float(up))

    def _bounded(self, reason: str) -> str:
        """Return the reason, or `other`: providers' texts must not make series without end."""
        if reason in self._reasons:
            return reason
        if len(self._reasons) >= _MOST_REASONS or not _REASON.fullmatch(reason):
            return "other"
        self._reasons.add(reason)
        return reason


class _Sheet:
    """The numbers of one process, in memory-mapped files in the library's own format.

    A process takes the first slot of its role that no living process holds (the kernel lets go of a lock when
    its holder dies), and goes on counting where the slot's last holder stopped. So counters never fall, and
    there are as many files as processes ever ran at once. The library's own way, one file for each process id
    behind an environment variable read at import, leaves a file behind for every restart.
    """

    def __init__(self, directory: Path, role: str) -> None:
        self._directory = directory
        self._role = role
        self._lock = threading.Lock()
        self._pid = 0
        self._slot = ""
        self._files: dict[str, MmapedDict] = {}
        self._open = ExitStack()
        weakref.finalize(self, self._open.close)

    def count(self, metric: str, text: str, labels: Mapping[str, str], amount: int = 1) -> None:
        """Add to a counter."""
        with self._lock:
            self._add("counter", _key(metric, f"{metric}_total", labels, text), float(amount))

    def observe(self, metric: str, text: str, labels: Mapping[str, str], value: float) -> None:
        """Add to a histogram; the library's collector adds up the buckets."""
        bound = next(bucket for bucket in _BUCKETS if value <= bucket)
        with self._lock:
            for bucket in _BUCKETS:
                le = {**labels, "le": floatToGoString(bucket)}  # type: ignore[no-untyped-call]
                self._add("histogram", _key(metric, f"{metric}_bucket", le, text), float(bucket == bound))
            self._add("histogram", _key(metric, f"{metric}_sum", labels, text), value)

    def put(self, metric: str, text: str, labels: Mapping[str, str], value: float) -> None:
        """Set a gauge; the library's collector takes the newest of all files."""
        with self._lock:
            numbers = self._file("gauge_mostrecent")
            numbers.write_value(_key(metric, metric, labels, text), value, time.time())  # type: ignore[no-untyped-call]

    def _add(self, kind: str, key: str, amount: float) -> None:
        numbers = self._file(kind)
        value, _ = numbers.read_value(key)  # type: ignore[no-untyped-call]
        numbers.write_value(key, value + amount, 0.0)  # type: ignore[no-untyped-call]

    def _file(self, kind: str) -> MmapedDict:
        """Return this process's file of a kind of metric."""
        if self._pid != os.getpid():  # first use, or a fork: the parent goes on with its own slot
            self._take_slot()
        if kind not in self._files:
            path = self._directory / f"{kind}_{self._slot}.db"
            self._files[kind] = MmapedDict(str(path))  # type: ignore[no-untyped-call]
            self._open.callback(self._files[kind].close)
        return self._files[kind]

    def _take_slot(self) -> None:
        """Hold the first free slot; after a fork this process's copies of its parent's files are closed."""
        self._open.close()
        self._files.clear()
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        for number in itertools.count():
            self._slot = f"{self._role}-{number}"
            with ExitStack() as held:
                lock = held.enter_context((self._directory / f"{self._slot}.lock").open("wb"))
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                self._open.push(held.pop_all())
                self._pid = os.getpid()
                return


def _key(metric: str, name: str, labels: Mapping[str, str], text: str) -> str:
    key: str = mmap_key(metric, name, list(labels), list(labels.values()), text)
    return key


class Exposition:
    """What `/metrics` shows: the counts of all processes, and what waits at this moment."""

    def __init__(self, directory: Path, backlog: Backlog, queues: Queues, clock: Clock) -> None:
        """Read the numbers below `directory` and ask the database and Redis at each scrape."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.registry = CollectorRegistry()
        MultiProcessCollector(self.registry, path=str(directory))  # type: ignore[no-untyped-call]
        self.registry.register(_Waiting(backlog, queues, clock))

    def __call__(self) -> bytes:
        """Return text in the format 0.0.4 of Prometheus."""
        return generate_latest(self.registry)

    def serve(self, port: int) -> None:
        """Answer on a port of its own (METRICS_PORT), whichever process of the machine gets it first.

        The others keep trying, so that the port answers again seconds after its holder died.
        """
        threading.Thread(target=self._hold, args=(port,), name="metrics", daemon=True).start()

    def _hold(self, port: int) -> None:
        pause = threading.Event()
        while True:
            try:
                # Scrapers come from other machines; what they see holds no personal data.
                start_http_server(port, addr="0.0.0.0", registry=self.registry)  # noqa: S104
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                pause.wait(_RETRY_BIND_SECONDS)
            else:
                return


class _Waiting(Collector):
    """What waits where, asked at each scrape; what cannot be asked is absent."""

    def __init__(self, backlog: Backlog, queues: Queues, clock: Clock) -> None:
        self._backlog = backlog
        self._queues = queues
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        now = self._clock()
        yield from self._database(now)
        yield from self._redis(now)

    def _database(self, now: datetime) -> Iterator[Metric]:
        try:
            report = self._backlog.report(now)
        except UnavailableError:
            yield _gauge("notify_database_up", "Whether the database answers", value=0)
            return
        yield _gauge("notify_database_up", "Whether the database answers", value=1)
        yield from _lanes(report, now)
        yield from _to_come(report, now)
        if report.sms:
            yield _gauge("notify_sms_today", "SMS handed over on this day (UTC)", value=report.sms.used)
            yield _gauge("notify_sms_daily_limit", "SMS that may leave on a day", value=report.sms.limit)
        alerts = [(one.kind, one.count) for one in report.alerts]
        yield _by("notify_alerts", "Open alerts: how often each was raised", ("kind",), alerts)
        beats = [(name, _age(at, now)) for name, at in report.beats.items()]
        yield _by("notify_task_age_seconds", "Since a periodic task last ran", ("task",), beats)

    def _redis(self, now: datetime) -> Iterator[Metric]:
        lanes = self._queues.report()
        yield _gauge("notify_redis_up", "Whether Redis answers", value=int(lanes is not None))
        if lanes is None:
            return
        depths = [(lane.lane.value, lane.depth) for lane in lanes]
        ages = [(lane.lane.value, _age(lane.oldest_at, now)) for lane in lanes]
        failed = [(lane.lane.value, lane.failed) for lane in lanes]
        workers = [(lane.lane.value, lane.workers) for lane in lanes]
        yield _by("notify_queue_depth", "Wake-ups waiting in Redis", ("lane",), depths)
        yield _by("notify_queue_oldest_seconds", "How long the oldest wake-up has waited", ("lane",), ages)
        yield _by("notify_queue_failed", "Jobs in the failed registry", ("lane",), failed)
        yield _by("notify_queue_workers", "Workers that listen", ("lane",), workers)


def _age(at: datetime | None, now: datetime) -> float:
    return max(0.0, (now - at).total_seconds()) if at else 0.0


def _gauge(name: str, text: str, *, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _by(name: str, text: str, labels: Sequence[str], rows: Sequence[tuple[object, ...]]) -> Metric:
    """Return a gauge; each row holds the labels' values, then the number."""
    family = GaugeMetricFamily(name, text, labels=labels)
    for *values, number in rows:
        family.add_metric([str(value) for value in values], float(str(number)))
    return family


def _lanes(report: BacklogReport, now: datetime) -> Iterator[Metric]:
    """What the dispatches of each lane do."""
    rows = [
        (lane.lane.value, state, count)
        for lane in report.lanes
        for state, count in (
            ("due", lane.due),
            ("later", lane.later),
            ("claimed", lane.claimed),
            ("calling", lane.calling),
        )
    ]
    yield _by("notify_lane_dispatches", "Open dispatches in the database", ("lane", "state"), rows)
    oldest = [(lane.lane.value, _age(lane.oldest_due_at, now)) for lane in report.lanes]
    yield _by("notify_lane_oldest_seconds", "How long the oldest due dispatch has waited", ("lane",), oldest)


def _to_come(report: BacklogReport, now: datetime) -> Iterator[Metric]:
    """What was reported, chosen or promised, and waits in the database for somebody to do the next thing."""
    posts = [("waiting", report.posts.waiting), ("unreadable", report.posts.unreadable)]
    yield _by("notify_event_posts", "Posts of providers' events in the database", ("state",), posts)
    campaigns = list(report.campaigns.items())
    yield _by("notify_campaigns", "Campaigns that are not over", ("status",), campaigns)
    ledger = report.ledger
    unsealed, oldest = ledger.unsealed, _age(ledger.oldest_at, now)
    yield _gauge("notify_ledger_unsealed_entries", "Entries of the ledger without a seal", value=unsealed)
    yield _gauge("notify_ledger_unsealed_seconds", "How long the oldest has waited for it", value=oldest)
    behind = list(ledger.behind.items())
    yield _by("notify_ledger_behind_entries", "Entries that a follower has not seen", ("follower",), behind)
    webhooks = report.webhooks
    waiting, oldest = webhooks.waiting, _age(webhooks.oldest_at, now)
    yield _gauge("notify_outbound_webhooks_waiting", "Calls to come to the shop", value=waiting)
    yield _gauge("notify_outbound_webhooks_oldest_seconds", "How long the oldest waits", value=oldest)
    endpoints = [("failing", webhooks.failing), ("disabled", webhooks.disabled)]
    yield _by("notify_webhook_endpoints", "The shop's endpoints that do not work", ("state",), endpoints)
