"""The lawful hours of marketing SMS: the table, holidays, clock changes, and rows of an operator's own."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from notify.calendars import PublicHolidays
from notify.cli import notify
from notify.domain.countries import countries
from notify.domain.errors import ConfigurationError
from notify.domain.hours import zone_of, zones_of
from notify.domain.windows import LawfulHours, read_weeks
from notify.domain.zones import MAIN_ZONES
from notify.settings import Settings

HOURS = LawfulHours(PublicHolidays().is_holiday)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("country", "timezone", "now", "opens", "closes"),
    [
        # Paris is an hour ahead of UTC in winter, two in summer.
        ("FR", None, "2026-11-23 12:00", "2026-11-23 09:00", "2026-11-23 19:00"),
        ("FR", None, "2026-11-23 08:59:59", "2026-11-23 09:00", "2026-11-23 19:00"),
        ("FR", None, "2026-11-23 19:00", "2026-11-24 09:00", "2026-11-24 19:00"),
        ("FR", None, "2026-11-23 18:57:59", "2026-11-23 09:00", "2026-11-23 19:00"),
        ("FR", None, "2026-11-23 18:58", "2026-11-24 09:00", "2026-11-24 19:00"),  # two minutes are too few
        ("FR", None, "2026-07-06 09:00", "2026-07-06 08:00", "2026-07-06 18:00"),
        ("FR", None, "2026-11-28 16:00", "2026-11-28 09:00", "2026-11-28 17:00"),  # Saturday
        ("FR", None, "2026-11-28 17:30", "2026-11-30 09:00", "2026-11-30 19:00"),  # its evening: until Monday
        ("FR", None, "2026-11-22 23:30", "2026-11-23 09:00", "2026-11-23 19:00"),  # half past midnight there
        ("FR", None, "2026-07-14 10:00", "2026-07-15 08:00", "2026-07-15 18:00"),  # the 14th of July
        ("FR", None, "2026-05-07 20:00", "2026-05-09 08:00", "2026-05-09 16:00"),  # Friday the 8th is one too
        ("FR", None, "2026-03-28 18:00", "2026-03-30 08:00", "2026-03-30 18:00"),  # clocks go forward between
        ("FR", None, "2026-10-24 18:00", "2026-10-26 09:00", "2026-10-26 19:00"),  # and back
        (
            "SN",
            None,
            "2026-04-04 11:00",
            "2026-04-07 10:00",
            "2026-04-07 20:00",
        ),  # 4 April, Sunday, Easter Monday
        ("SN", None, "2026-07-14 11:00", "2026-07-14 10:00", "2026-07-14 20:00"),  # not a holiday there
        ("SN", "Europe/Paris", "2026-11-23 09:30", "2026-11-23 09:00", "2026-11-23 19:00"),  # their own clock
        (None, None, "2026-07-14 10:00", "2026-07-15 08:00", "2026-07-15 18:00"),  # unknown: as at home
        ("ZZ", None, "2026-11-23 12:00", "2026-11-23 09:00", "2026-11-23 19:00"),
        ("US", "America/New_York", "2026-11-22 14:00", "2026-11-22 13:00", "2026-11-23 02:00"),  # Sundays too
        ("US", "America/New_York", "2026-11-23 03:00", "2026-11-23 13:00", "2026-11-24 02:00"),
        (
            "US",
            None,
            "2026-11-23 14:00",
            "2026-11-23 18:00",
            "2026-11-24 02:00",
        ),  # lawful in all of its zones
    ],
)
def test_windows(country: str | None, timezone: str | None, now: str, opens: str, closes: str) -> None:
    assert LawfulHours(PublicHolidays().is_holiday).span(country, timezone, at(now)) == (
        at(opens),
        at(closes),
    )


def test_a_country_may_be_too_wide_for_one_window() -> None:
    assert HOURS.span("RU", None, at("2026-11-23 12:00")) is None
    assert HOURS.span("RU", "Europe/Moscow", at("2026-11-23 12:00"))


def test_every_country_has_its_clock() -> None:
    """And where there are several, one in which most people live, and the outermost."""
    assert MAIN_ZONES.keys() >= countries() - {"AQ", "BV", "HM"}
    for country in MAIN_ZONES:
        main = zone_of(None, country)
        offsets = [at("2026-11-23 12:00").astimezone(zone).utcoffset() for zone in zones_of(None, country)]
        mine = at("2026-11-23 12:00").astimezone(main).utcoffset()
        assert mine is not None
        assert min(one for one in offsets if one is not None) <= mine
        assert mine <= max(one for one in offsets if one is not None)


def test_an_earlier_answer_is_not_given_for_a_later_day() -> None:
    days = [
        HOURS.span("FR", None, at(f"2026-11-{day} {hour}")) for day in (23, 24) for hour in ("12:00", "20:00")
    ]
    assert [one.opens.day for one in days if one] == [23, 24, 24, 25]


def test_an_operator_changes_rows() -> None:
    rows = read_weeks(
        {
            "SN": {"mon-sat": "08:00-21:30", "sun": "15:00-24:00", "holidays": True},
            "CI": {},
            "*": {"wed": "12:00-13:00"},
        }
    )
    hours = LawfulHours(PublicHolidays().is_holiday, rows)
    assert hours.span("SN", None, at("2026-04-04 11:00")) == (at("2026-04-04 08:00"), at("2026-04-04 21:30"))
    assert hours.span("SN", None, at("2026-11-22 16:00")) == (at("2026-11-22 15:00"), at("2026-11-23 00:00"))
    assert hours.span("GH", None, at("2026-11-23 12:00")) == (at("2026-11-25 12:00"), at("2026-11-25 13:00"))
    assert hours.span("FR", None, at("2026-11-23 12:00")) == (at("2026-11-23 09:00"), at("2026-11-23 19:00"))
    assert hours.span("CI", None, at("2026-11-23 12:00")) is None


def test_a_window_in_an_hour_that_clocks_repeat_or_leave_out_is_the_shorter_one() -> None:
    hours = LawfulHours(
        PublicHolidays().is_holiday, read_weeks({"FR": {"sun": "02:30-04:00", "mon": "00:00-02:30"}})
    )
    # 25 October: 02:30 comes twice, at 00:30 and 01:30 UTC. 29 March: it does not come at all.
    assert hours.span("FR", None, at("2026-10-25 00:00")) == (at("2026-10-25 01:30"), at("2026-10-25 03:00"))
    assert hours.span("FR", None, at("2026-03-29 00:00")) == (at("2026-03-29 01:30"), at("2026-03-29 02:00"))


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("[]", "SMS_HOURS: must be a JSON object"),
        ("{", "SMS_HOURS: must be JSON"),
        ('{"France": {}}', '"France" must be a country'),
        ('{"FR": "10-20"}', '"FR" must be an object'),
        ('{"FR": {"mon-fri": "10:00-9:00"}}', '"FR": "mon-fri" must be hours'),
        ('{"FR": {"mon-fri": "20:00-10:00"}}', '"FR": "mon-fri" must be hours'),
        ('{"FR": {"mon": "10:00-24:30"}}', '"FR": "mon" must be hours'),
        ('{"FR": {"lundi": "10:00-20:00"}}', '"FR": "lundi" must be'),
        ('{"FR": {"sat-mon": "10:00-20:00"}}', '"FR": "sat-mon" must be'),
        ('{"FR": {"mon-fri": "10:00-20:00", "fri": "10:00-18:00"}}', '"FR": "fri" names a day'),
        ('{"FR": {"mon-fri": "10:00-20:00", "holidays": "no"}}', '"FR": "holidays" must be'),
    ],
)
def test_a_wrong_setting_is_named(given: str, names: str, tmp_path: Path) -> None:
    answer = CliRunner(env={"SMS_HOURS": given}).invoke(notify, ["status", "--data-dir", str(tmp_path)])
    assert isinstance(answer.exception, ConfigurationError)
    assert names in str(answer.exception)


def test_a_setting_is_read(tmp_path: Path) -> None:
    text = '{"FR": {"mon-fri": "09:00-19:00"}}'
    settings = Settings(NOTIFY_DATA_DIR=tmp_path, sms_hours=text)  # type: ignore[call-arg,arg-type]
    assert settings.sms_hours["FR"].days[4] == (540, 1140)
