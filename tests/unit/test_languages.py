import pytest
from flask import Flask

from notify.web.pages.languages import language


@pytest.mark.parametrize(
    ("query", "message", "accepted", "chosen"),
    [
        ("?lang=en", "fr", "fr", "en"),
        ("?lang=fr", "en", "en", "fr"),
        ("", "en", "fr", "en"),
        ("?lang=de", "en", "fr", "en"),
        ("?lang=", "fr", "en", "fr"),
        ("", None, "en-GB,en;q=0.9", "en"),
        ("", None, "fr-SN, en;q=0.5", "fr"),
        ("", None, "de, en;q=0.3, fr;q=0.1", "en"),
        ("", None, "de", "fr"),
        ("", None, "*", "fr"),
        ("", None, "en;q=0", "fr"),
        ("", None, ";;=,", "fr"),
        ("", None, None, "fr"),
        ("", "wo", "en", "en"),
    ],
)
def test_a_page_speaks_the_language_asked_for_then_the_messages_then_the_browsers(
    query: str, message: str | None, accepted: str | None, chosen: str
) -> None:
    headers = {"Accept-Language": accepted} if accepted is not None else {}
    with Flask("x").test_request_context(f"/{query}", headers=headers):
        assert language(message) == chosen
