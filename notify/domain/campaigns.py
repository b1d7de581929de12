"""Campaigns: what is asked for, the one table of their statuses, and the rules of their times."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final, TypedDict
from zoneinfo import ZoneInfo

from notify.domain.catalogue import Channel
from notify.domain.errors import ConflictError, FieldProblem
from notify.domain.hours import zone_of
from notify.domain.newsletters import Content
from notify.domain.status import Status
from notify.domain.times import rfc3339
from notify.domain.timing import MAX_AHEAD

RECIPIENT_ZONE: Final = "recipient"
"""The `timezone` of a schedule that means everyone's own."""

NOBODY: Final = 0
"""The recipient of a test, as its message and its links have it: they change nothing."""

MAX_TEST_ADDRESSES: Final = 10

_EARLIEST: Final = timedelta(hours=14)
"""How far ahead of UTC the first zone on earth is (Pacific/Kiritimati)."""


_YEARS: Final = range(2000, 9000)
"""Beyond them, arithmetic on times could fail."""


class CampaignStatus(StrEnum):
    """Where a campaign is."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    PAUSED = "paused"
    SENT = "sent"
    CANCELLED = "cancelled"


class Act(StrEnum):
    """What is done to a campaign, by people or by the pump."""

    PATCH = "patch"
    SCHEDULE = "schedule"
    UNSCHEDULE = "unschedule"
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    FINISH = "finish"
    CANCEL = "cancel"


_C = CampaignStatus

MOVES: Final[Mapping[Act, Mapping[CampaignStatus, CampaignStatus]]] = {
    Act.PATCH: {_C.DRAFT: _C.DRAFT},
    Act.SCHEDULE: {_C.DRAFT: _C.SCHEDULED},
    Act.UNSCHEDULE: {_C.SCHEDULED: _C.DRAFT},
    Act.START: {_C.SCHEDULED: _C.SENDING},
    Act.PAUSE: {_C.SENDING: _C.PAUSED},
    Act.RESUME: {_C.PAUSED: _C.SENDING},
    Act.FINISH: {_C.SENDING: _C.SENT},
    Act.CANCEL: dict.fromkeys((_C.DRAFT, _C.SCHEDULED, _C.SENDING, _C.PAUSED), _C.CANCELLED),
}
"""From which status to which each act leads; what is not here is illegal."""

THROTTLED: Final = frozenset({_C.DRAFT, _C.SCHEDULED, _C.SENDING, _C.PAUSED})
"""The statuses in which the throttle, and nothing else, may be changed besides a draft."""


class PauseReason(StrEnum):
    """Why a campaign stopped itself."""

    COMPLAINTS = "complaints"
    BOUNCES = "bounces"


HANDED_OVER: Final = frozenset({Status.SENT, Status.DELIVERED, Status.BOUNCED, Status.COMPLAINED})
"""What a provider took, as far as we know."""

_ENOUGH_TO_JUDGE: Final = 1000
_MOST_COMPLAINTS: Final = Fraction(3, 1000)
"""Gmail and Yahoo want fewer than 0.3 %: https://support.google.com/a/answer/81126."""
_WORRYING_COMPLAINTS: Final = Fraction(1, 1000)
"""Gmail wants fewer than 0.1 % (the same page)."""
_MOST_BOUNCES: Final = Fraction(5, 100)


@dataclass(frozen=True, slots=True)
class CampaignDraft:
    """A campaign as asked for. `topic` is a name; `throttle` is messages a minute at most.

    `audience` is as the caller wrote it: `domain.audience.parse_audience` reads it. What has not left by
    `expires_at` no longer does.
    """

    name: str
    topic: str
    channels: tuple[Channel, ...]
    content: Content
    template: str = "newsletter"
    audience: Mapping[str, Any] | None = None
    throttle: int | None = None
    expires_at: datetime | None = None


class CampaignPatch(TypedDict, total=False):
    """What is changed of a draft; of a campaign that is under way, only `throttle`."""

    name: str
    topic: str
    channels: tuple[Channel, ...]
    content: Content
    template: str
    audience: Mapping[str, Any] | None
    throttle: int | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """When to send. `send_at` None is now; it is naive where a `timezone` is given, else aware.

    `send_past`: with everyone's own zone, send at once to those whose hour is past.
    """

    send_at: datetime | None = None
    timezone: str | None = None
    send_past: bool = False


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as stored, but for its texts. `topic` is the permanent number, `send_at` as it was given."""

    number: int
    name: str
    topic: int
    channels: tuple[Channel, ...]
    template: str
    audience: Mapping[str, Any] | None
    throttle: int | None
    test: bool
    status: CampaignStatus
    reason: str | None = None
    overridden: tuple[str, ...] = ()
    pinned_at: datetime | None = None
    send_at: str | None = None
    timezone: str | None = None
    send_past: bool = False
    start_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    expires_at: datetime | None = None
    cursor: int = 0
    highest: int | None = None
    pending: int = 0
    pumped: bool = False
    next_slice_at: datetime | None = None


class CampaignChanges(TypedDict, total=False):
    """Columns of a campaign that a use case writes."""

    name: str
    topic: int
    channels: tuple[Channel, ...]
    template: str
    content: Content
    audience: Mapping[str, Any] | None
    throttle: int | None
    expires_at: datetime | None
    status: CampaignStatus
    reason: str | None
    overridden: Sequence[str]
    pinned: Mapping[str, Any] | None
    pinned_at: datetime | None
    send_at: str | None
    timezone: str | None
    send_past: bool
    start_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    cursor: int
    highest: int | None
    pending: int
    pumped: bool
    next_slice_at: datetime | None


def stop_reason(progress: Mapping[str, int], overridden: Collection[str] = ()) -> PauseReason | None:
    """Return why a campaign with so many messages in each status must stop itself, if it must.

    Not for a reason that a person has overridden: only those that are not, stop it again.
    """
    handed = sum(progress.get(status, 0) for status in HANDED_OVER)
    if handed < _ENOUGH_TO_JUDGE:
        return None
    too_many = (
        (PauseReason.COMPLAINTS, Status.COMPLAINED, _MOST_COMPLAINTS),
        (PauseReason.BOUNCES, Status.BOUNCED, _MOST_BOUNCES),
    )
    for reason, status, most in too_many:
        if reason not in overridden and progress.get(status, 0) > most * handed:
            return reason
    return None


def worrying_complaints(progress: Mapping[str, int]) -> Fraction | None:
    """Return the share of complaints if it is one to look into, None if it is not, or of too few messages."""
    handed = sum(progress.get(status, 0) for status in HANDED_OVER)
    if handed < _ENOUGH_TO_JUDGE:
        return None
    rate = Fraction(progress.get(Status.COMPLAINED, 0), handed)
    return rate if rate >= _WORRYING_COMPLAINTS else None


def may_have_to_stop(reports: Mapping[str, int], overridden: Collection[str] = ()) -> bool:
    """Whether `stop_reason` could say so, where `sent` may be more than `reports` tell."""
    handed = sum(reports.get(status, 0) for status in HANDED_OVER)
    missing = max(0, _ENOUGH_TO_JUDGE - handed)
    least = {**reports, Status.SENT: reports.get(Status.SENT, 0) + missing}
    return stop_reason(least, overridden) is not None


def moved(act: Act, status: CampaignStatus) -> CampaignStatus:
    """Return where `act` leads. ConflictError if it is not legal from there."""
    try:
        return MOVES[act][status]
    except KeyError:
        legal = ", ".join(MOVES[act])
        message = f"cannot {act} a campaign that is {status}: it must be {legal}"
        raise ConflictError(message) from None


def refuse_trial(campaign: Campaign, *, test: bool) -> None:
    """Raise ConflictError where a caller who only tries things out would send what goes out in earnest."""
    if test and not campaign.test:
        raise ConflictError("this campaign goes out in earnest: a test key cannot send any of it")


def expiry_problems(expires_at: datetime | None, schedule: Schedule, now: datetime) -> list[FieldProblem]:
    """Return whether a campaign would expire before it starts; the pointer is into the campaign."""
    if expires_at is None or expires_at > first_moment(schedule, now):
        return []
    when = "lies in the past" if expires_at <= now else "must be later than send_at"
    return [FieldProblem("/expires_at", f"of the campaign {when}")]


def schedule_problems(schedule: Schedule, now: datetime) -> list[FieldProblem]:
    """Return what of a schedule makes no sense. A time that is past means at once."""
    at, zone = schedule.send_at, schedule.timezone
    problems = []
    if zone is not None and not _is_zone(zone):
        return [FieldProblem("/timezone", 'is neither a name of the tz database nor "recipient"')]
    if at is not None and at.year not in _YEARS:
        return [FieldProblem("/send_at", "is not a time to send at")]
    if schedule.send_past and zone != RECIPIENT_ZONE:
        problems.append(FieldProblem("/send_past", 'goes with "timezone": "recipient" only'))
    if zone is not None and at is None:
        problems.append(FieldProblem("/send_at", "is required with a timezone"))
    elif zone is not None and at is not None and at.tzinfo is not None:
        problems.append(FieldProblem("/send_at", "must have no offset when there is a timezone"))
    elif zone is None and at is not None and at.tzinfo is None:
        problems.append(FieldProblem("/send_at", "must have an offset when there is no timezone"))
    elif at is not None and first_moment(schedule, now) > now + MAX_AHEAD:
        problems.append(FieldProblem("/send_at", "is more than a year ahead"))
    return problems


def _is_zone(name: str) -> bool:
    if name == RECIPIENT_ZONE:
        return True
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return False
    return True


def first_moment(schedule: Schedule, now: datetime) -> datetime:
    """Return when the campaign starts: with everyone's own zone, when the first one on earth gets there."""
    at = schedule.send_at
    if at is None:
        return now
    if schedule.timezone == RECIPIENT_ZONE:
        at = at.replace(tzinfo=UTC) - _EARLIEST
    elif schedule.timezone is not None:
        at = at.replace(tzinfo=ZoneInfo(schedule.timezone)).astimezone(UTC)
    return max(at, now)


def written(schedule: Schedule) -> str | None:
    """Return `send_at` as answers show it: in UTC, or without an offset where it is local."""
    at = schedule.send_at
    if at is None:
        return None
    return rfc3339(at) if at.tzinfo else at.isoformat(timespec="seconds")


def local_moment(local: datetime, timezone: str | None, country: str | None) -> datetime:
    """Return when the naive `local` is there for a recipient, in UTC.

    A time that a clock change leaves out is that much later; one that comes twice is the first.
    """
    return local.replace(tzinfo=zone_of(timezone, country)).astimezone(UTC)
