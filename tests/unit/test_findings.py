"""What doctor and status say, and in which words."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from notify.cli import checks
from notify.cli.findings import Finding, State
from notify.cli.status import age, lines
from notify.domain.backlog import BacklogReport, LaneBacklog, LaneQueue
from notify.domain.requests import Lane
from notify.settings import Settings

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)


def settings(tmp_path: Path, **given: object) -> Settings:
    return Settings(NOTIFY_DATA_DIR=tmp_path, **given)  # type: ignore[arg-type, call-arg]


def states(findings: list[Finding]) -> list[State]:
    return [finding.state for finding in findings]


def test_a_finding_says_what_to_do() -> None:
    text = str(Finding.broken("Redis", "does not answer", "Start it."))
    assert text.startswith("BROKEN   Redis: does not answer\n")
    assert text.endswith("→ Start it.")
    assert "→" not in str(Finding.ok("Redis", "answers"))


@pytest.mark.parametrize("sender", ["Smarttontin", "+33712345678", "36180", "MG" + "0a" * 16, "Shop 24"[:4]])
def test_senders_of_sms_that_exist(tmp_path: Path, sender: str) -> None:
    assert states(list(checks.senders(settings(tmp_path, sms_from=sender)))) == [State.OK]


@pytest.mark.parametrize("sender", ["Smarttontine", "0712345678", "Smart tontine", "+", "Éclair"])
def test_senders_of_sms_that_cannot_exist(tmp_path: Path, sender: str) -> None:
    assert states(list(checks.senders(settings(tmp_path, sms_from=sender)))) == [State.BROKEN]


def test_one_sender_for_orders_and_news_is_worth_a_look(tmp_path: Path) -> None:
    given = settings(
        tmp_path,
        email_provider="sendgrid",
        sendgrid_api_key="k",
        email_from="a@example.org",
        email_from_marketing="a@example.org",
    )
    assert State.CHECK in states(list(checks.senders(given)))


def test_one_sender_of_sms_for_both_in_a_country_is_worth_a_look(tmp_path: Path) -> None:
    shared = {"marketing": {"sender": "37105"}, "transactional": {"sender": "37105"}}
    given = settings(tmp_path, sms_senders=json.dumps({"FR": shared}))
    (found,) = [str(one) for one in checks.senders(given) if one.state is State.CHECK]
    assert "SMS_SENDERS: FR has one sender" in found


def test_real_mails_say_where_the_shop_is(tmp_path: Path) -> None:
    given = {"email_provider": "sendgrid", "sendgrid_api_key": "k"}
    assert states(list(checks.imprint(settings(tmp_path, **given)))) == [State.CHECK]
    assert list(checks.imprint(settings(tmp_path, **given, shop_address="Smarttontine, Dakar"))) == []
    assert list(checks.imprint(settings(tmp_path))) == []


TWILIO = {"sms_provider": "twilio", "twilio_account_sid": "AC1", "twilio_auth_token": "t"}
BOUNDED = {**TWILIO, "sms_daily_limit": 5000, "sms_countries": "SN,CI"}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, []),
        (TWILIO, ["SMS may go anywhere, or in any number"]),
        (BOUNDED, []),
        ({**TWILIO, "sms_daily_limit": 5000}, ["SMS may go anywhere, or in any number"]),
        ({**BOUNDED, "provider_limits": '{"twilio": {"per_second": 9}, "outbox": {"per_second": 9}}'}, []),
        ({**BOUNDED, "provider_limits": '{"twilio SMARTTONTIN": {"per_second": 9}}'}, []),
        (
            {**BOUNDED, "provider_limits": '{"twilio Smarttontine": {"per_second": 9}}'},
            ["PROVIDER_LIMITS: twilio has an entry for a sender that none of the senders is"],
        ),
        ({"provider_limits": '{"smtp": {"per_second": 9}}'}, ["PROVIDER_LIMITS: smtp is not in use"]),
    ],
)
def test_limits_that_are_nobodys_or_missing_are_worth_a_look(
    tmp_path: Path, given: dict[str, object], found: list[str]
) -> None:
    findings = list(checks.limits(settings(tmp_path, **given)))
    assert [finding.text for finding in findings] == found
    assert {finding.state for finding in findings} <= {State.CHECK}


def test_links_must_be_https_once_messages_are_real(tmp_path: Path) -> None:
    local = settings(tmp_path, public_url="http://127.0.0.1:8000")
    assert states(list(checks.public_url(local))) == [State.OK]
    real = settings(tmp_path, public_url="http://n.example", email_provider="sendgrid", sendgrid_api_key="k")
    assert states(list(checks.public_url(real))) == [State.BROKEN]
    good = settings(tmp_path, public_url="https://n.example", email_provider="sendgrid", sendgrid_api_key="k")
    assert states(list(checks.public_url(good))) == [State.OK]


def test_a_public_url_that_is_not_set_is_not_claimed(tmp_path: Path) -> None:
    (found,) = checks.public_url(settings(tmp_path))
    assert found.state is State.OK
    assert "not set: `notify up` puts its own address into links" in found.text
    (found,) = checks.public_url(settings(tmp_path, email_provider="sendgrid", sendgrid_api_key="k"))
    assert found.state is State.BROKEN
    assert found.text.startswith("is not set; ")


def test_a_clock_that_is_off_is_broken() -> None:
    assert states(list(checks.clock([0.1, -0.4]))) == [State.OK]
    assert states(list(checks.clock([0.1, -61.0]))) == [State.BROKEN]
    assert states(list(checks.clock([]))) == [State.CHECK]


def test_a_task_that_stopped_is_named_while_others_go_on() -> None:
    def ago(**names: float) -> list[Finding]:
        return list(checks.stuck({name: NOW - timedelta(minutes=age) for name, age in names.items()}, NOW))

    assert ago(reconcile=0, campaigns=4, retain=100) == []
    (found,) = ago(reconcile=0, campaigns=6, retain=100)
    assert (found.state, "“campaigns” last ran 6 minutes ago" in found.text) == (State.CHECK, True)


def test_a_data_directory_that_others_can_enter_is_worth_a_look(tmp_path: Path) -> None:
    given = settings(tmp_path)
    tmp_path.chmod(0o755)
    assert states(list(checks.data_directory(given))) == [State.CHECK]
    tmp_path.chmod(0o700)
    assert states(list(checks.data_directory(given))) == [State.OK]


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=0), "0 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(minutes=2, seconds=5), "2 min 5 s"),
        (timedelta(hours=3), "3 h"),
        (timedelta(days=2, hours=4, minutes=9), "2 d 4 h"),
    ],
)
def test_ages_in_words(ago: timedelta, words: str) -> None:
    assert age(NOW - ago, NOW) == words
    assert age(None, NOW) == "-"


def test_status_shows_what_can_be_asked() -> None:
    report = BacklogReport(
        [LaneBacklog(Lane.URGENT, 3, 2, 1, 4, NOW - timedelta(minutes=7))],
        {"reconcile": NOW - timedelta(seconds=3)},
        campaigns={"scheduled": 0, "sending": 2, "paused": 1},
    )
    queues = [LaneQueue(Lane.URGENT, 5, NOW - timedelta(seconds=9), 0, 1)]
    text = "\n".join(lines(report, queues, NOW))
    assert "7 min" in text
    assert "reconcile: last run 3 s ago" in text
    assert "In Redis" in text
    assert "Campaigns: 2 sending, 1 paused\n" in text
    without = "\n".join(lines(report, None, NOW))
    assert "Redis: DOWN" in without
    assert "In Redis" not in without
    assert "Database: DOWN" in "\n".join(lines(None, queues, NOW))
