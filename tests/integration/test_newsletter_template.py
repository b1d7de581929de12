"""The newsletter among the templates of the API: listed, shown, and not for notifications."""

from datetime import UTC, datetime
from typing import Any, Final

import pytest
from flask.testing import FlaskClient

from notify.domain.errors import FieldProblem, InvalidRequestError
from notify.domain.recipients import ProfilePatch
from notify.domain.requests import NotificationRequest, RecipientInput
from notify.rendering import FileTemplates, load_catalogue
from notify.usecases.notifications.checking_requests import RequestCheck
from tests.doubles_api import FakeApi, bearer
from tests.template_shop import TEMPLATES
from tests.world import World

CONTENT: Final = {
    "subject": "Nos sacs en wax",
    "body": 'Bonjour {{ name | default("chers clients") }},\n\n- [voir](https://smarttontine.org/wax)',
    "sms": "nos sacs en wax sont là",
}


@pytest.fixture(scope="module")
def templates() -> FileTemplates:
    return FileTemplates(TEMPLATES, load_catalogue(TEMPLATES))


@pytest.fixture
def client(templates: FileTemplates) -> FlaskClient:
    return FakeApi(templates=templates).client()


def preview(client: FlaskClient, data: dict[str, Any], locale: str = "fr") -> Any:
    body = {"data": data, "locale": locale}
    return client.post("/v1/templates/newsletter/preview", json=body, headers=bearer("send"))


def test_it_is_listed_without_a_topic(client: FlaskClient) -> None:
    items = client.get("/v1/templates", headers=bearer("read")).get_json()["items"]
    (found,) = [one for one in items if one["name"] == "newsletter"]
    assert (found["topic"], found["purpose"], found["channels"]) == (None, "marketing", ["email", "sms"])
    assert set(found["data_schema"]["properties"]) == {"subject", "preheader", "body", "sms"}
    assert {one["purpose"] for one in items if one["topic"]} == {"transactional"}


def test_a_preview_shows_mail_and_text_message(client: FlaskClient) -> None:
    shown = preview(client, CONTENT).get_json()
    assert shown["email"]["subject"] == "Nos sacs en wax"
    assert "Bonjour chers clients," in shown["email"]["html"]
    assert "- voir\n  https://smarttontine.org/wax\n" in shown["email"]["text"]
    assert "/u/sample" in shown["email"]["html"]
    assert shown["sms"]["text"].startswith("Smarttontine: nos sacs en wax sont là\nFin SMS: ")
    assert shown["sms"]["encoding"] == "GSM-7"


def test_a_preview_of_one_channel_shows_that_one(client: FlaskClient) -> None:
    only_text = preview(client, {"sms": "x"}, "en").get_json()
    assert only_text["email"] is None
    assert only_text["sms"]["text"].startswith("Smarttontine: x\n")
    assert preview(client, {"subject": "x", "body": "x"}).get_json()["sms"] is None


def test_a_preview_says_what_is_wrong(client: FlaskClient) -> None:
    answer = preview(client, {**CONTENT, "body": "[x](javascript:alert(1))", "subject": "{{ nom }}"})
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.get_json()["errors"]] == ["/data/body", "/data/subject"]


def test_a_notification_cannot_take_it(templates: FileTemplates, world: World) -> None:
    check = RequestCheck(templates, world.parts.contacts, world.parts.catalogue, world.parts.store)
    asked = NotificationRequest("newsletter", RecipientInput("C-1", ProfilePatch()), data=CONTENT)
    (found,) = check([asked], datetime.now(UTC))
    assert isinstance(found, InvalidRequestError)
    assert found.problems == (
        FieldProblem("/template", "is a template of campaigns: see POST /v1/campaigns"),
    )
    (found,) = check([NotificationRequest("none", asked.recipient)], datetime.now(UTC))
    assert "newsletter" not in str(found)
