"""The API on the real composition: use cases, storage, templates; on SQLite and on PostgreSQL."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notify.app import create_app
from notify.bootstrap import build
from notify.domain.sms_senders import read_senders
from notify.settings import load_settings
from notify.usecases.api_keys import KeyScope
from notify.web.api.campaign_examples import CAMPAIGN
from notify.web.api.openapi import OPERATIONS
from notify.web.api.operations import Operation
from tests.doubles_api import bearer

ORDER: dict[str, Any] = {
    "template": "order_shipped",
    "recipient": {"id": "C-1", "email": "awa.diop@example.com", "country": "SN"},
    "data": {"order_number": "99812"},
}


class Whole:
    """A client of the whole application, with a key; `pump` runs the campaigns once."""

    def __init__(self, client: FlaskClient, key: str, test_key: str, pump: Callable[[], int]) -> None:
        self.client = client
        self.headers = bearer(key)
        self.trying = bearer(test_key)
        self.pump = pump

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        return self.client.open(path, method=method, json=body, headers={**self.headers, **headers})


@pytest.fixture
def whole(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Whole]:
    given = {"database_url": database_url, "redis_url": redis_url}
    composition = build(load_settings(tmp_path).model_copy(update=given))
    key, test_key = (
        composition.create_key("tests", frozenset({KeyScope.ADMIN}), test=test, expires_at=None)
        for test in (False, True)
    )
    yield Whole(create_app(composition).test_client(), key, test_key, composition.run_campaigns)
    composition.close()


@pytest.mark.parametrize(
    ("template", "country", "ending"),
    [
        ("newsletter", "FR", "STOP 36105 or"),
        ("newsletter", "SN", "Opt out:"),
        ("order_shipped", "FR", "STOP or"),
    ],
)
def test_a_preview_ends_as_sms_to_that_country_do(
    sqlite_url: str, redis_url: str, tmp_path: Path, *, template: str, country: str, ending: str
) -> None:
    by_country = {
        "FR": {"marketing": {"sender": "36105"}, "transactional": {"sender": "+33700000001"}},
        "*": {"marketing": {"sender": "SmartNews"}},
    }
    given = {"database_url": sqlite_url, "redis_url": redis_url, "sms_senders": read_senders(by_country)}
    composition = build(load_settings(tmp_path).model_copy(update=given))
    key = composition.create_key("tests", frozenset({KeyScope.ADMIN}), test=False, expires_at=None)
    data = {"sms": "Hello"} if template == "newsletter" else {"order_number": "99812"}
    shown = (
        create_app(composition)
        .test_client()
        .post(
            f"/v1/templates/{template}/preview",
            json={"data": data, "locale": "en", "country": country},
            headers=bearer(key),
        )
    )
    composition.close()
    assert shown.get_json()["sms"]["text"].splitlines()[-1].startswith(f"{ending} http")


LEADING_TO: dict[str, tuple[str, ...]] = {
    "unscheduleCampaign": ("schedule",),
    "pauseCampaign": ("schedule",),
    "resumeCampaign": ("schedule", "pause"),
}
"""What makes a campaign ready for a call on it."""


def a_campaign_for(whole: Whole, operation: Operation) -> str:
    """Write a campaign, and bring it where `operation` is legal; return its id."""
    campaign: str = whole.call("POST", "/v1/campaigns", next(iter(CAMPAIGN.values()))).get_json()["id"]
    for act in LEADING_TO.get(operation.id, ()):
        moved = whole.call("POST", f"/v1/campaigns/{campaign}/{act}", {})
        assert moved.status_code == 200, moved.text
        if operation.id != "unscheduleCampaign":
            whole.pump()
    return campaign


MADE_BY = {
    "sendNotification": "{notification_id}",
    "createSuppression": "{suppression_id}",
    "createWebhookEndpoint": "{endpoint_id}",
    "testWebhookEndpoint": "{delivery_id}",
}
"""Calls, and what later ones name of their answers."""


def test_every_example_works_and_is_answered_in_the_shape_described(whole: Whole) -> None:
    ids = {"{recipient_id}": "C-1042", "{name}": "order_shipped"}
    streaming = [(one, *both) for one in OPERATIONS for both in one.streams.items()]
    for operation, media_type, text in streaming:
        answer = whole.client.open(
            operation.path,
            method=operation.method,
            data=text.encode(),
            headers={**whole.headers, "Content-Type": media_type},
        )
        assert answer.status_code == operation.status, (operation.id, answer.text)
        assert answer.get_json()["refused"] == 0, answer.text
        assert operation.response
        operation.response.model_validate_json(answer.data)
    plain = [one for one in OPERATIONS if not one.streams]
    for operation in sorted(plain, key=lambda one: one.method == "DELETE"):
        for body in operation.examples.values() or [None]:
            path = operation.path
            if "{campaign_id}" in path:
                ids["{campaign_id}"] = a_campaign_for(whole, operation)
            for name, value in ids.items():
                path = path.replace(name, value)
            answer = whole.call(operation.method, path, body)
            assert answer.status_code == operation.status, (operation.id, answer.text)
            if operation.response:
                operation.response.model_validate_json(answer.data)
            if made := MADE_BY.get(operation.id):
                ids[made] = answer.get_json()["id"]
            if operation.id == "sendNotification":
                ids["{message_id}"] = answer.get_json()["messages"][0]["id"]


def test_a_repeated_request_gets_the_same_bytes(whole: Whole) -> None:
    for path, body in (
        ("/v1/notifications", ORDER),
        ("/v1/notifications/batch", {"notifications": [ORDER, {}]}),
        ("/v1/campaigns", next(iter(CAMPAIGN.values()))),
    ):
        first = whole.call("POST", path, body, **{"Idempotency-Key": path})
        again = whole.call("POST", path, body, **{"Idempotency-Key": path})
        assert (first.status_code, first.data) == (again.status_code, again.data)
    assert len(whole.call("GET", "/v1/notifications").get_json()["items"]) == 2
    assert len(whole.call("GET", "/v1/campaigns").get_json()["items"]) == 1
    other = whole.call(
        "POST", "/v1/notifications", {**ORDER, "reference": "x"}, **{"Idempotency-Key": "/v1/notifications"}
    )
    assert other.status_code == 422


@pytest.mark.parametrize("path", ["/v1/notifications", "/v1/campaigns"])
def test_what_was_tried_out_is_no_answer_to_the_same_call_in_earnest(whole: Whole, path: str) -> None:
    body = ORDER if path == "/v1/notifications" else next(iter(CAMPAIGN.values()))
    tried, meant = (
        whole.client.post(path, json=body, headers={**headers, "Idempotency-Key": "k"}).get_json()["id"]
        for headers in (whole.trying, whole.headers)
    )
    assert tried != meant
    again = whole.call("POST", path, body, **{"Idempotency-Key": "k"})
    assert again.get_json()["id"] == meant


@pytest.mark.parametrize(
    ("act", "body"), [("schedule", {}), ("test", {"to": ["awa@example.com"]}), ("resume", {})]
)
def test_a_test_key_sends_nothing_of_a_campaign_in_earnest(whole: Whole, act: str, body: object) -> None:
    made = next(iter(CAMPAIGN.values()))
    campaign = whole.call("POST", "/v1/campaigns", made).get_json()["id"]
    if act == "resume":
        for step in ("schedule", "pause"):
            whole.call("POST", f"/v1/campaigns/{campaign}/{step}", {})
            whole.pump()
    path = f"/v1/campaigns/{campaign}/{act}"
    assert whole.client.post(path, json=body, headers=whole.trying).status_code == 409
    assert whole.call("POST", path, body).status_code in {200, 202}


def test_lists_page_by_cursor_to_the_end(whole: Whole) -> None:
    for number in range(5):
        whole.call("POST", "/v1/notifications", {**ORDER, "reference": f"r-{number}"})
    seen, cursor = [], ""
    while True:
        page = whole.call("GET", f"/v1/notifications?limit=2{cursor}").get_json()
        seen += [item["reference"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == [f"r-{number}" for number in (4, 3, 2, 1, 0)]


def test_everything_wrong_with_a_notification_is_named_at_once(whole: Whole) -> None:
    body = {
        **ORDER,
        "recipient": {"id": "C-1", "email": "awa@", "phone": "12"},
        "data": {},
        "expires_at": "2020-01-01T00:00:00Z",
    }
    answer = whole.call("POST", "/v1/notifications", body)
    assert {item["pointer"] for item in answer.get_json()["errors"]} == {
        "/recipient/email",
        "/recipient/phone",
        "/data/order_number",
        "/expires_at",
    }
    assert whole.call("GET", "/v1/recipients/C-1").status_code == 404


def test_a_wrong_cursor_is_named_as_a_parameter(whole: Whole) -> None:
    answer = whole.call("GET", "/v1/notifications?cursor=alien")
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["parameter"] == "cursor"


@pytest.mark.parametrize(
    "value", ["’; DROP TABLE recipients; --", "%", "_", "\u202e", "x" * 128, "é\u0301", "😀"]
)
def test_odd_text_is_text_like_any_other(whole: Whole, value: str) -> None:
    if value.isprintable():
        sent = whole.call("POST", "/v1/notifications", {**ORDER, "reference": value})
        assert sent.status_code == 202
        found = whole.client.get(
            "/v1/notifications", query_string={"reference": value}, headers=whole.headers
        )
        assert [item["reference"] for item in found.get_json()["items"]] == [value]
    attributes = {"note": value} if value.isprintable() else {}
    assert whole.call("PUT", "/v1/recipients/C-1", {"attributes": attributes}).status_code == 200
    assert whole.call("GET", "/v1/recipients/C-1").get_json()["attributes"] == attributes


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from(
            ["email", "phone", "name", "locale", "country", "timezone", "customer_since", "attributes"]
        ),
        st.none()
        | st.text(max_size=30)
        | st.dictionaries(st.text(max_size=4), st.none() | st.integers() | st.floats() | st.text(max_size=9)),
    )
)
def test_no_profile_makes_the_service_fail(whole: Whole, profile: dict[str, Any]) -> None:
    answer = whole.call("PUT", "/v1/recipients/C-1", profile)
    assert answer.status_code in {200, 422}
    if answer.status_code == 200:
        assert (
            whole.call(
                "POST", "/v1/notifications", {**ORDER, "recipient": {"id": "C-1", **profile}}
            ).status_code
            == 202
        )
