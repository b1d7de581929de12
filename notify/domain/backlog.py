"""What waits where, since when: values for `notify status`, `notify doctor` and the metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from notify.domain.alerts import OpenAlert
from notify.domain.requests import Lane
from notify.domain.retention import RetentionRun


@dataclass(frozen=True, slots=True)
class LaneBacklog:
    """One lane in the database, counted in dispatches.

    `due` could leave now, `later` is scheduled or waits for its next try, `claimed` is in a worker's hands,
    `calling` is being handed to a provider. `oldest_due_at` is that of the dispatch that has waited longest.
    """

    lane: Lane
    due: int
    later: int
    claimed: int
    calling: int
    oldest_due_at: datetime | None


@dataclass(frozen=True, slots=True)
class SmsUse:
    """How many SMS were handed over today (UTC), of how many."""

    used: int
    limit: int


@dataclass(frozen=True, slots=True)
class PostsBacklog:
    """Posts of providers' events that wait, since when, and those that could not be read so far."""

    waiting: int
    oldest_at: datetime | None
    unreadable: int


@dataclass(frozen=True, slots=True)
class LedgerBacklog:
    """The last seal of the ledger and its number, the entries after it, and how far each follower is behind.

    `behind` counts numbers of entries, of which some may never have been used.
    """

    seals: int = 0
    sealed_at: datetime | None = None
    unsealed: int = 0
    oldest_at: datetime | None = None
    behind: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WebhooksBacklog:
    """What waits to be told to the shop's endpoints, since when; how many of those fail or are disabled."""

    waiting: int = 0
    oldest_at: datetime | None = None
    failing: int = 0
    disabled: int = 0


@dataclass(frozen=True, slots=True)
class BacklogReport:
    """The whole database: every lane, when each periodic task last ran, what else waits or is limited.

    `campaigns` counts those that are not over, by status. `retention` is its last run.
    """

    lanes: Sequence[LaneBacklog]
    beats: Mapping[str, datetime]
    sms: SmsUse | None = None
    posts: PostsBacklog = PostsBacklog(0, None, 0)
    alerts: Sequence[OpenAlert] = ()
    retention: RetentionRun | None = None
    webhooks: WebhooksBacklog = WebhooksBacklog()
    ledger: LedgerBacklog = LedgerBacklog()
    campaigns: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LaneQueue:
    """One lane in Redis: wake-ups that wait, since when, jobs that failed, and workers that listen."""

    lane: Lane
    depth: int
    oldest_at: datetime | None
    failed: int
    workers: int


@dataclass(frozen=True, slots=True)
class Health:
    """Whether what the service stands on answers; it can do without Redis for a while."""

    database: bool
    migrated: bool
    redis: bool

    @property
    def ready(self) -> bool:
        """Whether requests can be served."""
        return self.database and self.migrated
