"""Where Twilio is asked to post receipts: an address it cannot reach would make it refuse the SMS."""

from pathlib import Path

import pytest

from notify.settings import load_settings


@pytest.mark.parametrize(
    ("public", "twilio", "receipts"),
    [
        ("https://n.example.org/", None, "https://n.example.org/webhooks/twilio/status"),
        ("http://n.example.org", None, None),
        ("http://127.0.0.1:8000", None, None),
        ("https://localhost", "https://api.twilio.com", None),
        ("http://127.0.0.1:8000", "http://127.0.0.1:9102", "http://127.0.0.1:8000/webhooks/twilio/status"),
        ("http://[::1]:8000", "http://localhost:9102", "http://[::1]:8000/webhooks/twilio/status"),
        ("http://shop.localhost", "http://127.0.0.1:1", "http://shop.localhost/webhooks/twilio/status"),
    ],
)
def test_receipts_are_asked_for_where_they_can_arrive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, public: str, twilio: str | None, receipts: str | None
) -> None:
    monkeypatch.setenv("PUBLIC_URL", public)
    if twilio:
        monkeypatch.setenv("TWILIO_API_URL", twilio)
    assert load_settings(tmp_path).sms_receipts_url == receipts
