"""Every call of the API, on doubles: what reaches the use cases, and what comes back."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from pydantic import BaseModel

from notify.domain.catalogue import Channel
from notify.domain.errors import InvalidRequestError
from notify.domain.requests import Choice, Lane, NotificationRequest, Proof
from notify.web.api import examples
from notify.web.api.openapi import OPERATIONS
from notify.web.api.operations import Operation
from tests.doubles_api import FakeApi, bearer

ORDER: dict[str, Any] = {
    "template": "order_shipped",
    "recipient": {"id": "C-1"},
    "data": {"order_number": "99812"},
}


def test_a_notification_is_accepted(api: FakeApi, client: FlaskClient) -> None:
    answer = client.post("/v1/notifications", json=ORDER, headers=bearer("send"))
    assert answer.status_code == 202
    assert answer.get_json()["id"] == "n1"
    assert answer.get_json()["messages"] == [
        {"id": "m1", "channel": "email", "status": "queued", "reason": None}
    ]
    assert answer.headers["Cache-Control"] == "no-store"
    assert api.accept.calls == [(Lane.URGENT, None, False)]


def test_a_test_key_is_passed_on(api: FakeApi, client: FlaskClient) -> None:
    assert client.post("/v1/notifications", json=ORDER, headers=bearer("test")).status_code == 202
    assert api.accept.calls[0][2] is True


def test_an_idempotency_key_stands_for_the_whole_request(api: FakeApi, client: FlaskClient) -> None:
    headers = {**bearer("send"), "Idempotency-Key": "order 99812"}
    first = client.post("/v1/notifications", json=ORDER, headers=headers)
    again = client.post("/v1/notifications", json=dict(reversed(ORDER.items())), headers=headers)
    other = client.post("/v1/notifications", json={**ORDER, "reference": "x"}, headers=headers)
    batch = client.post("/v1/notifications/batch", json={"notifications": [ORDER]}, headers=headers)
    assert (first.status_code, again.status_code, other.status_code) == (202, 202, 422)
    assert first.data == again.data
    assert other.get_json()["type"].endswith("#idempotency-mismatch")
    assert batch.status_code == 422


def test_a_batch_answers_each_item_in_order(api: FakeApi, client: FlaskClient) -> None:
    items = [
        ORDER,
        {**ORDER, "colour": "red"},
        {**ORDER, "template": "missing"},
        {**ORDER, "data": {"order_number": "4111 1111 1111 1111"}},
        "x",
    ]
    answer = client.post("/v1/notifications/batch", json={"notifications": items}, headers=bearer("send"))
    assert answer.status_code == 207
    results = answer.get_json()["results"]
    assert [result["status"] for result in results] == [202, 422, 422, 422, 422]
    assert results[0]["notification"]["id"] == "n1"
    assert [result["error"]["errors"][0]["pointer"] for result in results[1:]] == [
        "/notifications/1/colour",
        "/notifications/2/template",
        "/notifications/3/data/order_number",
        "/notifications/4",
    ]
    assert b"4111 1111" not in answer.data
    assert isinstance(api.accept.requests[1], InvalidRequestError)
    assert api.accept.calls[0][0] is Lane.NORMAL


def test_a_flaw_in_the_json_of_one_item_leaves_the_rest_alone(client: FlaskClient) -> None:
    raw = (
        b'{"notifications": [{"template": "order_shipped", "recipient": {"id": "C-1"}},'
        b' {"template": "order_shipped", "template": "x", "recipient": {"id": "C-1"}}, NaN]}'
    )
    headers = {**bearer("send"), "Idempotency-Key": "k"}
    answer = client.post(
        "/v1/notifications/batch", data=raw, content_type="application/json", headers=headers
    )
    assert [result["status"] for result in answer.get_json()["results"]] == [202, 422, 422]
    assert answer.get_json()["results"][1]["error"]["errors"] == [
        {"pointer": "/notifications/1/template", "detail": "is given more than once"}
    ]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"notifications": []}, "/notifications"),
        ({"notifications": [{}] * 1001}, "/notifications"),
        ({"notifications": {}}, "/notifications"),
        ({}, "/notifications"),
        ([], ""),
        ({"notifications": [{}], "x": 1}, "/x"),
    ],
)
def test_what_is_no_batch_is_refused_whole(client: FlaskClient, body: object, pointer: str) -> None:
    answer = client.post("/v1/notifications/batch", json=body, headers=bearer("send"))
    assert answer.status_code == 422
    assert [item["pointer"] for item in answer.get_json()["errors"]] == [pointer]


def test_identifiers_of_a_template_may_look_like_card_numbers(client: FlaskClient) -> None:
    data = {"order_number": "1", "tracking_number": "4111111111111111"}
    order = {**ORDER, "data": data}
    assert client.post("/v1/notifications", json=order, headers=bearer("send")).status_code == 202
    order["data"] = {**data, "order_number": "4111111111111111"}
    refused = client.post("/v1/notifications", json=order, headers=bearer("send"))
    assert [item["pointer"] for item in refused.get_json()["errors"]] == ["/data/order_number"]


def test_notifications_are_looked_up(api: FakeApi, client: FlaskClient) -> None:
    assert client.get("/v1/notifications/n1", headers=bearer("read")).get_json()["id"] == "n1"
    answer = client.get("/v1/notifications?reference=a&status=sent&limit=2", headers=bearer("send"))
    assert list(answer.get_json()) == ["items", "next_cursor"]
    assert api.lookups.queries == [
        {"reference": "a", "recipient_id": None, "status": "sent", "cursor": None, "limit": 2}
    ]


def test_a_notification_is_cancelled(client: FlaskClient) -> None:
    assert client.post("/v1/notifications/n1/cancel", headers=bearer("send")).status_code == 200
    assert client.post("/v1/notifications/n2/cancel", headers=bearer("send")).status_code == 404


@pytest.mark.parametrize(
    ("query", "accepted", "locale"),
    [("", None, "en"), ("", "fr-SN,fr;q=0.9", "fr"), ("?locale=fr", "en", "fr"), ("", "de", "en")],
)
def test_messages_are_explained_in_the_language_asked_for(
    client: FlaskClient, query: str, accepted: str | None, locale: str
) -> None:
    headers = bearer("read") | ({"Accept-Language": accepted} if accepted else {})
    one = client.get(f"/v1/messages/m1{query}", headers=headers)
    assert one.get_json()["explanation"] == f"in {locale}"
    several = client.get(f"/v1/messages{query}", headers=headers)
    assert several.get_json()["items"][0]["explanation"] == f"in {locale}"


def test_a_marketing_tool_reads_the_messages_of_campaigns_alone(client: FlaskClient) -> None:
    marketing = bearer("campaigns")
    assert client.get("/v1/messages/mc", headers=marketing).status_code == 200
    assert client.get("/v1/messages/m1", headers=marketing).status_code == 404
    assert client.get("/v1/messages?campaign_id=c1", headers=marketing).status_code == 200
    everything = client.get("/v1/messages?recipient_id=C-1", headers=marketing)
    assert everything.status_code == 422
    assert everything.get_json()["errors"][0]["parameter"] == "campaign_id"


def test_recipients_are_kept(api: FakeApi, client: FlaskClient) -> None:
    body = {"id": "C-9", "phone": "77 123 45 67", "country": "SN"}
    answer = client.put("/v1/recipients/C-9", json=body, headers=bearer("recipients"))
    assert answer.status_code == 200
    assert answer.get_json()["id"] == "C-9"
    assert api.upsert.given[0].profile == {"phone": "77 123 45 67", "country": "SN"}


def test_recipients_are_read_exported_and_erased(api: FakeApi, client: FlaskClient) -> None:
    headers = bearer("recipients")
    assert client.get("/v1/recipients/C-1", headers=headers).get_json()["email"] == "awa.diop@example.com"
    assert client.get("/v1/recipients/C-1/export", headers=headers).get_json()["recipient"]["id"] == "C-1"
    gone = client.delete("/v1/recipients/C-1", headers=headers)
    assert (gone.status_code, gone.data) == (204, b"")
    assert api.erase.erased == ["C-1"]
    assert client.delete("/v1/recipients/C-2", headers=headers).status_code == 404


def test_recipients_are_found_by_address(api: FakeApi, client: FlaskClient) -> None:
    answer = client.post("/v1/recipients/search", json={"phone": "+221771234567"}, headers=bearer("read"))
    assert answer.get_json()["items"][0]["id"] == "C-1"
    assert answer.get_json()["next_cursor"] is None
    assert api.lookups.queries == [{"sms": "+221771234567"}]


@pytest.mark.parametrize("body", [{}, {"email": "a@example.com", "phone": "+221771234567"}, {"email": None}])
def test_a_search_is_by_one_address(client: FlaskClient, body: object) -> None:
    assert client.post("/v1/recipients/search", json=body, headers=bearer("read")).status_code == 422


def test_preferences_are_read_and_changed(api: FakeApi, client: FlaskClient) -> None:
    read = client.get("/v1/recipients/C-1/preferences", headers=bearer("read"))
    assert read.get_json()["preferences"][0]["topic"] == "order_updates"
    body = {
        "preferences": [{"topic": "company_news", "channel": "email", "subscribed": True}],
        "proof": {"source": "account page", "wording": "Oui", "obtained_at": "2026-11-01T10:00:00Z"},
    }
    changed = client.patch("/v1/recipients/C-1/preferences", json=body, headers=bearer("recipients"))
    assert changed.get_json()["preferences"][0]["subscribed"] is True
    ((recipient_id, choices, proof),) = api.change.calls
    assert (recipient_id, choices) == ("C-1", [Choice("company_news", Channel.EMAIL, subscribed=True)])
    assert isinstance(proof, Proof)
    assert (proof.source, proof.wording) == ("account page", "Oui")
    assert proof.obtained_at is not None


def test_the_ledger_is_read(api: FakeApi, client: FlaskClient) -> None:
    answer = client.get("/v1/recipients/C-1/consents?limit=1&cursor=c", headers=bearer("read"))
    assert answer.get_json()["items"][0]["source"] == "link"
    assert api.lookups.queries == [{"cursor": "c", "limit": 1}]


def test_topics_and_templates_are_listed(client: FlaskClient) -> None:
    topics = client.get("/v1/topics", headers=bearer("read")).get_json()
    assert (topics["items"][0]["name"], topics["items"][0]["purpose"]) == ("order_updates", "transactional")
    templates = client.get("/v1/templates", headers=bearer("send")).get_json()["items"]
    assert [item["name"] for item in templates] == ["order_shipped", "text_only"]
    assert templates[0]["channels"] == ["email", "sms"]
    assert templates[0]["expires_after"] == 43200
    assert templates[0]["data_schema"]["required"] == ["order_number"]


def test_a_template_is_shown(client: FlaskClient) -> None:
    body = {"data": {"order_number": "99812"}, "locale": "fr"}
    shown = client.post("/v1/templates/order_shipped/preview", json=body, headers=bearer("send")).get_json()
    assert shown["email"] == {
        "subject": "fr 99812",
        "html": "<a>https://n.example/u/sample</a>",
        "text": "text",
    }
    assert (shown["sms"]["encoding"], shown["sms"]["culprits"]) == ("UCS-2", ["ç"])
    only = client.post("/v1/templates/text_only/preview", json=body, headers=bearer("send")).get_json()
    assert only["email"] is None


def test_a_template_is_not_shown_with_wrong_data(client: FlaskClient) -> None:
    answer = client.post("/v1/templates/order_shipped/preview", json={"data": {}}, headers=bearer("send"))
    assert answer.get_json()["errors"] == [{"pointer": "/data/order_number", "detail": "is required"}]
    unknown = client.post("/v1/templates/none/preview", json={"data": {}}, headers=bearer("send"))
    assert unknown.status_code == 404


PATHS = {
    "{notification_id}": "n1",
    "{message_id}": "m1",
    "{recipient_id}": "C-1",
    "{name}": "order_shipped",
    "{campaign_id}": "c1",
    "{suppression_id}": "s1",
    "{endpoint_id}": "e1",
    "{delivery_id}": "d1",
}
CASES = [
    pytest.param(operation, body, id=f"{operation.id} {name}")
    for operation in OPERATIONS
    if not operation.streams
    for name, body in (operation.examples.items() or [("", None)])
]


@pytest.mark.parametrize(("operation", "body"), CASES)
def test_every_example_works_and_is_answered_in_the_shape_described(
    client: FlaskClient, operation: Operation, body: object
) -> None:
    path = operation.path
    for name, value in PATHS.items():
        path = path.replace(name, value)
    answer = client.open(path, method=operation.method, json=body, headers=bearer("admin"))
    assert answer.status_code == operation.status
    shape: type[BaseModel] | None = operation.response
    if shape is not None:
        shape.model_validate_json(answer.data)


def test_the_first_example_reaches_the_use_case(api: FakeApi, client: FlaskClient) -> None:
    body = next(iter(examples.NOTIFICATION.values()))
    client.post("/v1/notifications", json=body, headers=bearer("send"))
    (request,) = api.accept.requests
    assert isinstance(request, NotificationRequest)
    assert request.recipient.profile["phone"] == "+221771234567"
    assert request.reference == "order-99812"


@pytest.mark.parametrize("type_given", [None, "application/json"])
def test_a_secret_is_rotated_without_a_word(client: FlaskClient, type_given: str | None) -> None:
    path = "/v1/webhook-endpoints/e1/rotate-secret"
    answer = client.post(path, content_type=type_given, headers=bearer("admin"))
    assert (answer.status_code, answer.get_json()["id"]) == (200, "e1")
    assert client.post(path, data="{", content_type=type_given, headers=bearer("admin")).status_code == (
        400 if type_given else 415
    )
