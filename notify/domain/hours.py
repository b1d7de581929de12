"""What time it is where someone lives, and when it is night there."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

LATE_AFTER: Final = timedelta(hours=1)
"""An order SMS later than this (after an outage, say) does not wake anybody up."""

_MORNING: Final = time(8)
_EVENING: Final = time(21)
_HOME: Final = "Europe/Paris"

HOME_COUNTRY: Final = "FR"
"""Whose calendar holds for somebody of no known country, as `_HOME` is their clock."""

_COUNTRY_ZONES: Final[Mapping[str, str]] = {
    "BE": "Europe/Brussels", "BF": "Africa/Ouagadougou", "BJ": "Africa/Porto-Novo", "CA": "America/Toronto",
    "CH": "Europe/Zurich", "CI": "Africa/Abidjan", "CM": "Africa/Douala", "CV": "Atlantic/Cape_Verde",
    "DE": "Europe/Berlin", "ES": "Europe/Madrid", "FR": "Europe/Paris", "GA": "Africa/Libreville",
    "GB": "Europe/London", "GH": "Africa/Accra", "GM": "Africa/Banjul", "GN": "Africa/Conakry",
    "GW": "Africa/Bissau", "IT": "Europe/Rome", "LR": "Africa/Monrovia", "MA": "Africa/Casablanca",
    "ML": "Africa/Bamako", "MR": "Africa/Nouakchott", "NE": "Africa/Niamey", "NG": "Africa/Lagos",
    "SL": "Africa/Freetown", "SN": "Africa/Dakar", "TG": "Africa/Lome", "TN": "Africa/Tunis",
}  # fmt: skip

_SPREAD: Final[Mapping[str, tuple[str, ...]]] = {
    "CA": ("America/St_Johns", "America/Vancouver"),
    "US": ("America/New_York", "Pacific/Honolulu"),
}
"""The first and the last zone of countries with several."""


def zone_of(timezone: str | None, country: str | None) -> ZoneInfo:
    """Return the recipient's time zone: their own, else their country's, else Europe/Paris."""
    return ZoneInfo(timezone or _COUNTRY_ZONES.get(country or "", _HOME))


def zones_of(timezone: str | None, country: str | None) -> tuple[ZoneInfo, ...]:
    """Return all zones it may be: their own, else of a country with several the outermost."""
    spread = None if timezone else _SPREAD.get(country or "")
    return tuple(map(ZoneInfo, spread)) if spread else (zone_of(timezone, country),)


def morning_after(now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the next 08:00 there if it is night (21:00 to 08:00) now, else None."""
    local = now.astimezone(zone)
    if _MORNING <= local.time() < _EVENING:
        return None
    day = local.date() if local.time() < _MORNING else local.date() + timedelta(days=1)
    return datetime.combine(day, _MORNING, zone).astimezone(now.tzinfo)
