"""Days and times as people read them, where they live."""

from datetime import datetime
from zoneinfo import ZoneInfo

from notify.domain.explanations import MONTHS

_NO_BREAK = "\N{NO-BREAK SPACE}"


def day(at: datetime, locale: str, zone: ZoneInfo) -> str:
    """Return "23 December 2026", of which no line break tears off the number."""
    local = at.astimezone(zone)
    number = "1er" if locale == "fr" and local.day == 1 else str(local.day)
    return f"{number}{_NO_BREAK}{MONTHS[locale][local.month - 1]} {local.year}"


def hour(at: datetime, zone: ZoneInfo) -> str:
    """Return "14:05"."""
    return f"{at.astimezone(zone):%H:%M}"
