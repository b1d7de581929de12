"""Times as callers see them."""

from datetime import UTC, datetime


def rfc3339(at: datetime) -> str:
    """Return an aware time as RFC 3339 in UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rfc3339_or_none(at: datetime | None) -> str | None:
    """Return `rfc3339(at)`, or None for None."""
    return rfc3339(at) if at else None


def utc_now() -> datetime:
    """Return the time: the clock of the use cases."""
    return datetime.now(UTC)
