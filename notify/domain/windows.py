"""The hours in which marketing SMS may arrive: one table by country, each row with what it rests on."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from notify.domain.countries import EVERYWHERE, key_of
from notify.domain.hours import HOME_COUNTRY, zones_of

LAST_CALL: Final = timedelta(minutes=2)
"""Nothing leaves this shortly before a window closes: it would arrive too late, or be given up on its way."""

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HORIZON: Final = timedelta(days=366)
_DAY_RANGE: Final = re.compile(rf"({'|'.join(_DAYS)})(?:-({'|'.join(_DAYS)}))?")
_SPAN: Final = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
_END_OF_DAY: Final = 24 * 60

IsHoliday = Callable[[str, date], bool]
"""Whether a day is a public holiday in an ISO 3166 country."""


class Span(NamedTuple):
    """A window of one day: from `opens` until before `closes`."""

    opens: datetime
    closes: datetime


@dataclass(frozen=True, slots=True)
class Week:
    """The windows of one country: by weekday (0 is Monday), in minutes after midnight of its clock.

    `holidays`: whether public holidays are days like others. `source` is what the row rests on.
    """

    days: Mapping[int, tuple[int, int]]
    holidays: bool
    source: str


_STRICTEST: Final = Week(
    {**dict.fromkeys(range(5), (600, 1200)), 5: (600, 1080)},
    holidays=False,
    source=(
        "what all rules seen for France have in common: Charte Business Messaging 2026 of af2m (8:00 to"
        " 21:30, not on Sundays and holidays), Brevo (Monday to Saturday), Acoustic (Saturdays 10:00 to"
        " 18:00), captainverify (10:00 to 20:00)"
    ),
)

WEEKS: Final[Mapping[str, Week]] = {
    EVERYWHERE: _STRICTEST,
    "FR": _STRICTEST,
    "US": Week(
        dict.fromkeys(range(7), (480, 1260)),
        holidays=True,
        source="Telephone Consumer Protection Act, 47 CFR 64.1200(c)(1): 8 a.m. to 9 p.m. where they are",
    ),
}
"""By ISO 3166 country."""


class LawfulHours:
    """Says when an SMS of marketing may arrive at somebody's. An operator's rows replace those of `WEEKS`."""

    def __init__(self, is_holiday: IsHoliday, rows: Mapping[str, Week] | None = None) -> None:
        self._is_holiday = is_holiday
        self._rows = {**WEEKS, **(rows or {})}
        self._found: dict[tuple[str | None, str | None], tuple[datetime, Span]] = {}

    def span(self, country: str | None, timezone: str | None, at: datetime) -> Span | None:
        """Return the window that is open at `at`, else the next one; None if there is none within a year.

        A window that is about to close is past. Who has no time zone of their own, in a country of several,
        has the hours that are lawful in all of them.
        """
        key = (country, timezone)
        known = self._found.get(key)
        # What was found for an earlier moment is still the answer until that window is about to close.
        if known and known[0] <= at < known[1].closes - LAST_CALL:
            return known[1]
        found = self._search(country or HOME_COUNTRY, zones_of(timezone, country), at)
        if found:
            self._found[key] = (at, found)
        return found

    def _search(self, country: str, zones: tuple[ZoneInfo, ...], at: datetime) -> Span | None:
        week = self._rows.get(country) or self._rows[EVERYWHERE]
        start, moment = at, at
        while moment < start + _HORIZON:
            spans = [self._next(country, week, zone, moment) for zone in zones]
            known = [one for one in spans if one]
            if len(known) < len(zones):
                return None
            common = Span(max(one.opens for one in known), min(one.closes for one in known))
            if common.opens + LAST_CALL <= common.closes:
                return common
            moment = common.closes
        return None

    def _next(self, country: str, week: Week, zone: ZoneInfo, at: datetime) -> Span | None:
        first = at.astimezone(zone).date()
        for ahead in range(_HORIZON.days):
            day = first + timedelta(days=ahead)
            minutes = week.days.get(day.weekday())
            if minutes is None or (not week.holidays and self._is_holiday(country, day)):
                continue
            # Of an hour that a clock change leaves out or repeats, the reading that makes the window shorter.
            span = Span(max(_moments(day, minutes[0], zone)), min(_moments(day, minutes[1], zone)))
            if span.closes - LAST_CALL > at and span.opens < span.closes:
                return span
        return None


def _moments(day: date, minutes: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return when a clock there shows so many minutes after midnight, by either reading, in UTC."""
    local = datetime.combine(day, time()) + timedelta(minutes=minutes)
    first, second = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return first, second


def read_weeks(given: object) -> dict[str, Week]:
    """Read `{"FR": {"mon-fri": "10:00-20:00", "sat": "10:00-18:00", "holidays": false}, "*": …}`.

    Days that are left out have no window, nor have public holidays unless it says true. ValueError names
    the key that is wrong.
    """
    if not isinstance(given, dict):
        raise ValueError('must be a JSON object, as {"FR": {"mon-fri": "10:00-20:00"}}')  # noqa: TRY004 - for pydantic
    rows = {}
    for country, row in given.items():
        key_of(country)
        if not isinstance(row, dict):
            raise ValueError(f'"{country}" must be an object of days')  # noqa: TRY004 - for pydantic
        try:
            rows[country] = _week(row)
        except ValueError as error:
            raise ValueError(f'"{country}": {error}') from None
    return rows


def _week(row: Mapping[str, object]) -> Week:
    days: dict[int, tuple[int, int]] = {}
    holidays = row.get("holidays", False)
    if not isinstance(holidays, bool):
        raise ValueError('"holidays" must be true or false')  # noqa: TRY004 - for pydantic
    for name, hours in row.items():
        if name != "holidays":
            for day in _days(name):
                if day in days:
                    raise ValueError(f'"{name}" names a day that another key names too')
                days[day] = _minutes(name, hours)
    return Week(days, holidays, "SMS_HOURS")


def _days(name: str) -> Iterator[int]:
    found = _DAY_RANGE.fullmatch(name)
    first = _DAYS.index(found[1]) if found else 0
    last = _DAYS.index(found[2] or found[1]) if found else -1
    if last < first:
        raise ValueError(f'"{name}" must be "holidays", or days, as "mon", "mon-fri", "sat", "sun"')
    yield from range(first, last + 1)


def _minutes(name: str, hours: object) -> tuple[int, int]:
    found = _SPAN.fullmatch(hours) if isinstance(hours, str) else None
    if found:
        start, end = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
        if start < end <= _END_OF_DAY:
            return start, end
    raise ValueError(f'"{name}" must be hours of one day, as "10:00-20:00"')
