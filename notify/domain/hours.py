"""What time it is where someone lives, and when it is night there."""

from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from notify.domain.zones import MAIN_ZONES, OUTERMOST_ZONES

LATE_AFTER: Final = timedelta(hours=1)
"""An order SMS later than this (after an outage, say) does not wake anybody up."""

_MORNING: Final = time(8)
_EVENING: Final = time(21)
_HOME: Final = "Europe/Paris"

HOME_COUNTRY: Final = "FR"
"""Whose calendar holds for somebody of no known country, as `_HOME` is their clock."""


def zone_of(timezone: str | None, country: str | None) -> ZoneInfo:
    """Return the recipient's time zone: their own, else their country's, else Europe/Paris."""
    return ZoneInfo(timezone or MAIN_ZONES.get(country or "", _HOME))


def zones_of(timezone: str | None, country: str | None) -> tuple[ZoneInfo, ...]:
    """Return all zones it may be: their own, else of a country with several the outermost."""
    spread = None if timezone else OUTERMOST_ZONES.get(country or "")
    return tuple(map(ZoneInfo, spread)) if spread else (zone_of(timezone, country),)


def morning_after(now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the next 08:00 there if it is night (21:00 to 08:00) now, else None."""
    local = now.astimezone(zone)
    if _MORNING <= local.time() < _EVENING:
        return None
    day = local.date() if local.time() < _MORNING else local.date() + timedelta(days=1)
    return datetime.combine(day, _MORNING, zone).astimezone(now.tzinfo)
