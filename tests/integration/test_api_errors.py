"""Every way a call can fail, and that no body makes the API fail by itself."""

import io
import json
import logging
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from notify.domain.errors import (
    ConflictError,
    FieldProblem,
    IdempotencyInProgressError,
    InvalidRequestError,
    NotifyError,
    UnavailableError,
    VaultError,
)
from notify.usecases.api_keys import KeyScope
from notify.web.api.bodies import MAX_BYTES
from notify.web.api.openapi import OPERATIONS
from notify.web.api.operations import Operation
from notify.web.api.shapes import Problem
from notify.web.request_ids import is_safe
from tests.doubles_api import FakeApi, bearer

ORDER: dict[str, Any] = {"template": "order_shipped", "recipient": {"id": "C-1"}}


def problem(answer: TestResponse, status: int) -> Problem:
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    found = Problem.model_validate_json(answer.data)
    assert found.status == status
    assert found.request_id == answer.headers["X-Request-Id"]
    return found


def post(
    client: FlaskClient, raw: bytes, content_type: str = "application/json", **headers: str
) -> TestResponse:
    return client.post(
        "/v1/notifications", data=raw, content_type=content_type, headers={**bearer("send"), **headers}
    )


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic c2VuZDo=", "send"])
def test_without_a_key_one_is_asked_for(client: FlaskClient, header: str | None) -> None:
    answer = client.get("/v1/topics", headers={"Authorization": header} if header is not None else {})
    assert problem(answer, 401).type == "/docs/problems#unauthenticated"
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="notify"'


@pytest.mark.parametrize("key", ["unknown", "x" * 5000, "clé"])
def test_a_wrong_key_is_refused(client: FlaskClient, key: str) -> None:
    answer = client.get("/v1/topics", headers={"Authorization": f"Bearer {key}".encode().decode("latin-1")})
    problem(answer, 401)
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert key.encode() not in answer.data


def test_the_scheme_may_be_written_in_any_case(client: FlaskClient) -> None:
    assert client.get("/v1/topics", headers={"Authorization": "bearer read"}).status_code == 200


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: str(operation.id))
def test_each_call_admits_its_scopes_and_no_other(client: FlaskClient, operation: Operation) -> None:
    path = operation.path.replace("{", "").replace("}", "")
    for scope in KeyScope:
        answer = client.open(path, method=operation.method, headers=bearer(scope))
        if scope in {*operation.scopes, KeyScope.ADMIN}:
            assert answer.status_code != 403
        else:
            needed = " ".join(operation.scopes)
            assert operation.scopes[0] in problem(answer, 403).detail
            assert f'error="insufficient_scope", scope="{needed}"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("path", ["/v1//notifications", "/v1/notifications//"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_doubled_slash_is_another_path(client: FlaskClient, method: str, path: str) -> None:
    answer = client.open(path, method=method, json=ORDER, headers={"Host": "evil.example"})
    problem(answer, 404)
    assert "Location" not in answer.headers


def test_json_that_breaks_off(client: FlaskClient) -> None:
    assert "line 1, column" in problem(post(client, b'{"template": "secret'), 400).detail


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "", "application/json; charset=latin-1"],
)
def test_only_json_in_utf8_is_read(client: FlaskClient, content_type: str) -> None:
    problem(post(client, json.dumps(ORDER).encode(), content_type), 415)


def test_utf8_may_be_said(client: FlaskClient) -> None:
    assert post(client, json.dumps(ORDER).encode(), "application/json; charset=UTF-8").status_code == 202


def test_compressed_bodies_are_not_read(client: FlaskClient) -> None:
    problem(post(client, b"\x1f\x8b", **{"Content-Encoding": "gzip"}), 415)


def test_a_body_of_the_limit_is_read_and_one_byte_more_is_not(client: FlaskClient) -> None:
    raw = json.dumps(ORDER).encode()
    assert post(client, raw.ljust(MAX_BYTES)).status_code == 202
    assert "5,000,000" in problem(post(client, raw.ljust(MAX_BYTES + 1)), 413).detail


def test_the_limit_holds_without_a_content_length(client: FlaskClient) -> None:
    class Endless(io.RawIOBase):
        """A chunked upload that would never end."""

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # it is called with no other
            buffer[:] = b" " * len(buffer)
            return len(buffer)

    answer = client.post(
        "/v1/notifications",
        content_type="application/json",
        headers=bearer("send"),
        environ_overrides={
            "wsgi.input": io.BufferedReader(Endless()),
            "wsgi.input_terminated": True,
            "HTTP_TRANSFER_ENCODING": "chunked",
            "CONTENT_LENGTH": "",
        },
    )
    problem(answer, 413)


def test_a_bad_field_is_named(client: FlaskClient) -> None:
    answer = post(client, json.dumps({**ORDER, "recipient": {"id": "awa@example.com"}}).encode())
    found = problem(answer, 422)
    assert found.errors is not None
    assert [item.pointer for item in found.errors] == ["/recipient/id"]
    assert found.detail.startswith("/recipient/id: looks like an e-mail address")
    assert b"awa" not in answer.data


def test_many_problems_are_summed_up(client: FlaskClient) -> None:
    found = problem(post(client, json.dumps(dict.fromkeys("abcdefg", 1)).encode()), 422)
    assert found.errors is not None
    assert len(found.errors) == 9
    assert found.detail.endswith("; and 6 more.")


def test_what_the_use_case_refuses_is_named_as_well(client: FlaskClient) -> None:
    found = problem(post(client, json.dumps({**ORDER, "template": "missing"}).encode()), 422)
    assert found.errors is not None
    assert found.errors[0].pointer == "/template"
    assert found.detail == "/template: there is no such template."


def test_the_summary_is_a_sentence(client: FlaskClient) -> None:
    assert problem(post(client, b"[]"), 422).detail == "The body must be an object."
    found = problem(post(client, json.dumps({**ORDER, "x": 1, "data": []}).encode()), 422)
    assert found.detail == "/data: must be an object; /x: is not a field of this request."


def test_a_detail_that_ends_in_a_full_stop_gets_no_second_one(client: FlaskClient, api: FakeApi) -> None:
    api.accept.fails = InvalidRequestError([FieldProblem("/recipient/email", "It has no @-sign.")])
    assert problem(post(client, json.dumps(ORDER).encode()), 422).detail == (
        "/recipient/email: It has no @-sign."
    )


@pytest.mark.parametrize("key", ["", "x" * 256, "clé", "4111 1111 1111 1111"])
def test_a_bad_idempotency_key_is_named(client: FlaskClient, key: str) -> None:
    answer = post(client, json.dumps(ORDER).encode(), **{"Idempotency-Key": key})
    found = problem(answer, 422)
    assert found.errors is not None
    assert (found.errors[0].parameter, found.errors[0].pointer) == ("Idempotency-Key", None)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("refernce=a", "refernce"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=ten", "limit"),
        ("limit=%D9%A3", "limit"),
        ("limit=1&limit=2", "limit"),
        ("status=lost", "status"),
        ("reference=", "reference"),
        ("reference=a%00b", "reference"),
        ("recipient_id=" + "x" * 513, "recipient_id"),
        ("cursor=alien", "cursor"),
        ("%00=1", "(unnamed)"),
    ],
)
def test_a_bad_parameter_is_named(client: FlaskClient, query: str, name: str) -> None:
    found = problem(client.get(f"/v1/notifications?{query}", headers=bearer("read")), 422)
    assert found.errors is not None
    assert [item.parameter for item in found.errors] == [name]


@pytest.mark.parametrize(
    "path", ["+221771234567", "awa@example.com", "0612345678", "4111111111111111", "a b"]
)
def test_a_recipient_is_not_kept_under_an_address(api: FakeApi, client: FlaskClient, path: str) -> None:
    found = problem(client.put(f"/v1/recipients/{path}", json={}, headers=bearer("recipients")), 422)
    assert found.errors is not None
    assert found.errors[0].parameter == "recipient_id"
    assert api.upsert.given == []


def test_the_id_in_the_body_is_the_one_in_the_path(client: FlaskClient) -> None:
    found = problem(client.put("/v1/recipients/C-1", json={"id": "C-2"}, headers=bearer("recipients")), 422)
    assert found.errors is not None
    assert found.errors[0].pointer == "/id"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/nothing",
        "/v1",
        "/v1/notifications/",
        "/v1//topics",
        "/webhooks",
        "/webhooks/nothing",
        "/notifications",
        "/V1/topics",
        "/v1/messages/m2",
        "/v1/messages/a%00b",
        "/v1/messages/" + "x" * 600,
    ],
)
def test_what_is_not_there(client: FlaskClient, path: str) -> None:
    problem(client.get(path, headers=bearer("read")), 404)


def test_what_is_not_done_that_way(client: FlaskClient) -> None:
    answer = client.delete("/v1/notifications", headers=bearer("admin"))
    assert problem(answer, 405).type == "/docs/problems#method-not-allowed"
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize(
    ("error", "status", "headers"),
    [
        (ConflictError(), 409, set()),
        (IdempotencyInProgressError(), 409, {"Retry-After"}),
        (UnavailableError("host db-7"), 503, {"Retry-After"}),
        (VaultError("key 7"), 500, set()),
        (NotifyError("secret"), 500, set()),
        (RuntimeError("awa@example.com"), 500, set()),
        (KeyError("awa@example.com"), 500, set()),
    ],
)
def test_failures_behind_the_api_tell_what_to_do_and_nothing_else(
    api: FakeApi,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    status: int,
    headers: set[str],
) -> None:
    api.accept.fails = error
    with caplog.at_level(logging.ERROR):
        answer = post(api.client(), json.dumps(ORDER).encode())
    problem(answer, status)
    assert headers <= set(answer.headers.keys())
    for text in ("db-7", "secret", "awa", "Traceback"):
        assert text not in answer.text
        assert text not in caplog.text
    assert (type(error).__name__ in caplog.text) == (status == 500)
    assert ("doubles_api.py" in caplog.text) == (status == 500)


def test_other_paths_fail_in_their_own_way(api: FakeApi) -> None:
    app: Flask = api.app()

    @app.get("/page")
    def page() -> str:
        raise UnavailableError

    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError

    client = app.test_client()
    for people in ({}, {"Accept": "text/html,*/*"}, {"Accept": "*/*"}):
        assert client.get("/nothing", headers=people).text == "page 404"
    for programs in (bearer("read"), {"Accept": "application/json, */*;q=0.1"}):
        assert problem(client.get("/nothing", headers=programs), 404).type == "/docs/problems#no-such-path"
        assert client.get("/page", headers=programs).text == "page 503"
    problem(client.post("/notifications", json={}), 404)
    assert client.get("/page").text == "page 503"
    assert client.get("/broken").text == "page 500"


@pytest.mark.parametrize(
    "given_id", ["abc-123", "550e8400-e29b-41d4-a716-446655440000", "4bf92f3577b34da6a3ce929d0e0e4736"]
)
def test_a_safe_request_id_is_kept(client: FlaskClient, given_id: str) -> None:
    assert client.get("/v1/topics", headers={"X-Request-Id": given_id}).headers["X-Request-Id"] == given_id


@pytest.mark.parametrize(
    "given_id",
    [
        "",
        "a b",
        "x" * 65,
        "awa@example.com",
        "+221771234567",
        "0612345678",
        "4111-1111-1111-1111",
        "tel.06.12.34.56.78",
        "é",
    ],
)
def test_any_other_is_replaced(client: FlaskClient, given_id: str) -> None:
    found = client.get("/v1/topics", headers={"X-Request-Id": given_id.encode().decode("latin-1")}).headers[
        "X-Request-Id"
    ]
    assert found != given_id
    assert is_safe(found)


def test_documentation_needs_no_key_and_nothing_from_elsewhere(client: FlaskClient) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "http" not in page.text
    for asset in ("swagger-ui.css", "swagger-ui-bundle.js", "start.js", "docs.css"):
        assert f"/docs/{asset}" in page.text
        answer = client.get(f"/docs/{asset}")
        assert answer.status_code == 200
        again = client.get(f"/docs/{asset}", headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status_code == 304
    assert client.get("/docs/none").status_code == 404
    assert client.get("/docs/../../app.py").status_code == 404


def test_the_description_is_served(client: FlaskClient) -> None:
    answer = client.get("/openapi.json")
    assert answer.content_type == "application/json"
    assert answer.get_json()["openapi"] == "3.1.0"
    problem(client.post("/openapi.json"), 405)


def test_the_type_of_a_problem_can_be_read_about(client: FlaskClient) -> None:
    page = client.get("/docs/problems").text
    for answer, status in (
        (client.get("/v1/topics"), 401),
        (client.get("/v1/no"), 404),
        (client.put("/v1/topics"), 405),
    ):
        found = problem(answer, status)
        assert f'id="{found.type.partition("#")[2]}"' in page
