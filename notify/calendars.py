"""The public holidays of countries, from the `holidays` package."""

from datetime import date
from functools import lru_cache
from typing import Final

_YEARS: Final = 1024
"""Countries × years that are kept."""


class PublicHolidays:
    """Implements `ports.Calendar`. Holidays by the moon are estimates until they are proclaimed."""

    def is_holiday(self, country: str, day: date) -> bool:
        """Whether a day is a public holiday in all of an ISO 3166 country; never in an unknown one."""
        return day in _holidays(country, day.year)


@lru_cache(maxsize=_YEARS)
def _holidays(country: str, year: int) -> frozenset[date]:
    # The package takes 50 ms to load: only who asks waits for it. A whole year at once, as its own lists,
    # which grow when they are looked at, are not made for threads.
    import holidays  # noqa: PLC0415

    try:
        return frozenset(holidays.country_holidays(country, years=year, expand=False))
    except NotImplementedError:  # a country that the package lacks: its hours hold all the same
        return frozenset()
