"""`notify status`: what waits where, since when."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from notify.cli.alerts import alert_lines
from notify.cli.counts import counted
from notify.cli.ledger_checks import ledger_lines
from notify.cli.options import data_dir_option, looked_at
from notify.cli.schema import obstacle
from notify.domain.backlog import BacklogReport, LaneQueue


@click.command()
@data_dir_option
def status(data_dir: Path | None) -> None:
    """Show what waits where, since when; works without Redis too."""
    with looked_at(data_dir) as composition:
        now = datetime.now(UTC)
        queues = composition.queues.report()
        migrated = composition.backlog.migrated()
        report = composition.backlog.report(now) if migrated else None
        missing = None if migrated else obstacle(composition)
    for line in lines(report, queues, now):
        click.echo(line)
    if missing:
        raise missing


def lines(report: BacklogReport | None, queues: Sequence[LaneQueue] | None, now: datetime) -> Iterator[str]:
    """Say it in lines; what cannot be asked is left out."""
    yield f"Database: {'up' if report else 'DOWN'}    Redis: {'up' if queues is not None else 'DOWN'}"
    if report:
        yield ""
        yield f"{'In the database':<16}{'due':>8}{'oldest':>12}{'later':>8}{'claimed':>9}{'calling':>9}"
        for lane in report.lanes:
            oldest = age(lane.oldest_due_at, now)
            counts = f"{lane.later:>8}{lane.claimed:>9}{lane.calling:>9}"
            yield f"  {lane.lane:<14}{lane.due:>8}{oldest:>12}{counts}"
    if queues is not None:
        yield ""
        yield f"{'In Redis':<16}{'waiting':>8}{'oldest':>12}{'failed':>8}{'workers':>9}"
        for queue in queues:
            oldest = age(queue.oldest_at, now)
            yield f"  {queue.lane:<14}{queue.depth:>8}{oldest:>12}{queue.failed:>8}{queue.workers:>9}"
    if report:
        yield ""
        yield from _besides(report, now)


def _besides(report: BacklogReport, now: datetime) -> Iterator[str]:
    """Say what waits or is limited besides the lanes, and when the scheduler last ran."""
    yield from alert_lines(report.alerts)
    if report.sms:
        yield f"SMS today (UTC): {report.sms.used} of {report.sms.limit}"
    if under_way := [f"{count} {status}" for status, count in report.campaigns.items() if count]:
        yield f"Campaigns: {', '.join(under_way)}"
    posts = report.posts
    if posts.waiting:
        waits = counted(posts.waiting, "post waits", "posts wait")
        yield f"Providers' events: {waits} to be read, the oldest for {age(posts.oldest_at, now)}"
    if posts.unreadable:
        unreadable = counted(posts.unreadable, "post", "posts")
        yield f"Providers' events: {unreadable} COULD NOT BE READ; the log says why"
    webhooks = report.webhooks
    if webhooks.waiting:
        waits = counted(webhooks.waiting, "call waits", "calls wait")
        yield f"Outbound webhooks: {waits}, the oldest for {age(webhooks.oldest_at, now)}"
    if webhooks.failing or webhooks.disabled:
        fails = counted(webhooks.failing, "endpoint FAILS", "endpoints FAIL")
        yield f"Outbound webhooks: {fails}, {counted(webhooks.disabled, 'is', 'are')} DISABLED"
    ledger = report.ledger
    yield from ledger_lines(ledger, age(ledger.oldest_at, now), age(ledger.sealed_at, now))
    if run := report.retention:
        went = ", ".join(f"{kind}: {count}" for kind, count in run.counts.items())
        yield f"Retention, {age(run.at, now)} ago: {went or 'nothing was that old'}"
    if not report.beats:
        yield "The scheduler has not run yet."
    for name, at in sorted(report.beats.items()):
        yield f"Scheduler, {name}: last run {age(at, now)} ago"


def age(at: datetime | None, now: datetime) -> str:
    """Say how long ago, in the two largest units; a dash for never."""
    if at is None:
        return "-"
    seconds = max(0, int((now - at) / timedelta(seconds=1)))
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    parts: list[str] = []
    for unit, size in units:
        if seconds >= size or (unit == "s" and not parts):
            parts.append(f"{seconds // size} {unit}")
            seconds %= size
    return " ".join(parts[:2])
