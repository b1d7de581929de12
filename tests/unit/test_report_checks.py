"""What doctor says about the reports of providers."""

from pathlib import Path
from typing import Any

import pytest

from notify.cli.findings import State
from notify.cli.report_checks import reports
from notify.settings import Settings
from tests.reporting import public_text

SENDGRID = {"email_provider": "sendgrid", "sendgrid_api_key": "k"}
TWILIO = {"sms_provider": "twilio", "twilio_account_sid": "AC1", "twilio_auth_token": "t"}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, []),
        (SENDGRID, [State.CHECK]),
        ({**SENDGRID, "sendgrid_webhook_public_key": "no key"}, [State.BROKEN]),
        ({**SENDGRID, "sendgrid_webhook_public_key": public_text()}, [State.OK]),
        (TWILIO, [State.CHECK]),
        ({**TWILIO, "public_url": "https://notify.example.org"}, [State.OK]),
    ],
)
def test_a_provider_that_cannot_report_is_worth_a_look(
    tmp_path: Path, given: dict[str, Any], found: list[State]
) -> None:
    settings = Settings(NOTIFY_DATA_DIR=tmp_path, **given)  # type: ignore[call-arg]
    assert [one.state for one in reports(settings)] == found
