"""Limits as they are set in the environment."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from notify.cli import notify
from notify.domain.errors import ConfigurationError
from notify.domain.rate_limits import Limits
from notify.settings import Settings


def test_without_any(tmp_path: Path) -> None:
    settings = Settings(NOTIFY_DATA_DIR=tmp_path)  # type: ignore[call-arg]
    assert settings.provider_limits.of("sendgrid", "a@example.org") == Limits(None, None, 8)
    assert settings.sms_daily_limit is None


def test_limits_are_read_as_json(tmp_path: Path) -> None:
    text = '{"twilio": {"per_second": 10}, "sendgrid": {"concurrent": 64}}'
    settings = Settings(NOTIFY_DATA_DIR=tmp_path, provider_limits=text, sms_daily_limit="20000")  # type: ignore[call-arg,arg-type]
    assert settings.provider_limits.of("twilio", "Smarttontin") == Limits(10)
    assert settings.sms_daily_limit == 20_000


def test_countries_are_read_in_either_case_kosovo_too(tmp_path: Path) -> None:
    settings = Settings(NOTIFY_DATA_DIR=tmp_path, sms_countries="sn, CI,xk")  # type: ignore[call-arg,arg-type]
    assert settings.sms_countries == frozenset({"SN", "CI", "XK"})


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PROVIDER_LIMITS", "twilio=10", "PROVIDER_LIMITS: must be JSON"),
        ("PROVIDER_LIMITS", '{"mailgun": {"per_second": 10}}', "PROVIDER_LIMITS: each key must begin with"),
        ("PROVIDER_LIMITS", '{"twilio": {"per_second": -1}}', "PROVIDER_LIMITS: per_second must be more"),
        ("SMS_DAILY_LIMIT", "-1", "SMS_DAILY_LIMIT: "),
        ("SMS_DAILY_LIMIT", "many", "SMS_DAILY_LIMIT: "),
        (
            "SMS_COUNTRIES",
            "sn, XX,FRA",
            "SMS_COUNTRIES: each must be a country, as SN,CI,FR (ISO 3166): not FRA, XX",
        ),
        ("SMS_HOURS", '{"XX": {"mon": "10:00-20:00"}}', 'SMS_HOURS: "XX" must be a country'),
        ("SMS_PRICES", '{"currency": "EUR", "XX": "0.1"}', 'SMS_PRICES: "XX" must be a country'),
        ("SMS_SENDERS", '{"XX": {"marketing": {"sender": "36105"}}}', 'SMS_SENDERS: "XX" must be a country'),
        ("SHOP_ADDRESS", "{{ links }}", "SHOP_ADDRESS: must be plain text"),
        ("SHOP_ADDRESS", "x" * 201, "SHOP_ADDRESS: must have at most 200"),
        ("PUBLIC_URL", "http://[", "PUBLIC_URL: must be an http:// or https:// address"),
        ("SHORT_URL", "s.example", "SHORT_URL: must be an http:// or https:// address"),
        ("PRIVACY_URL", "javascript:alert(1)", "PRIVACY_URL: must be an http:// or https:// address"),
        ("LEGAL_URL", "https://smarttontine.org@evil.example/", "LEGAL_URL: must be an http"),
    ],
)
def test_wrong_values_are_named(name: str, value: str, words: str, tmp_path: Path) -> None:
    answer = CliRunner(env={name: value}).invoke(notify, ["status", "--data-dir", str(tmp_path)])
    assert isinstance(answer.exception, ConfigurationError)
    assert words in str(answer.exception)
