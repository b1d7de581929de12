"""Nothing a caller may send makes the API fail by itself."""

import json
from functools import cache

from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.doubles_api import FakeApi, bearer

KEYS = st.sampled_from(
    [
        "template",
        "recipient",
        "id",
        "email",
        "phone",
        "attributes",
        "data",
        "channels",
        "notifications",
        "send_at",
        "expires_at",
        "consent",
        "preferences",
        "topic",
        "channel",
        "subscribed",
        "proof",
        "locale",
        "customer_since",
        "name",
        "content",
        "audience",
        "throttle",
        "timezone",
        "to",
    ]
) | st.text(max_size=5)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["order_shipped", "C-1", "2026-12-01T09:00:00Z", "email", "0001-01-01T00:00:00+23:59"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)
WRITES = [
    ("POST", "/v1/notifications"),
    ("POST", "/v1/notifications/batch"),
    ("POST", "/v1/recipients/search"),
    ("POST", "/v1/templates/order_shipped/preview"),
    ("PUT", "/v1/recipients/C-1"),
    ("PATCH", "/v1/recipients/C-1/preferences"),
    ("POST", "/v1/campaigns"),
    ("PATCH", "/v1/campaigns/c1"),
    ("POST", "/v1/campaigns/c1/schedule"),
    ("POST", "/v1/campaigns/c1/test"),
]


@cache
def shared() -> FlaskClient:
    return FakeApi().client()


@settings(max_examples=800)
@given(st.sampled_from(WRITES), VALUES | st.dictionaries(KEYS, VALUES, max_size=6))
def test_no_json_makes_the_api_fail(call: tuple[str, str], body: object) -> None:
    answer = shared().open(
        call[1],
        method=call[0],
        data=json.dumps(body),
        content_type="application/json",
        headers=bearer("admin"),
    )
    assert answer.status_code < 500


@settings(max_examples=300)
@given(st.sampled_from(WRITES), st.binary(max_size=80))
def test_no_bytes_make_the_api_fail(call: tuple[str, str], raw: bytes) -> None:
    answer = shared().open(
        call[1], method=call[0], data=raw, content_type="application/json", headers=bearer("admin")
    )
    assert answer.status_code in {200, 201, 202, 207, 400, 422}


@settings(max_examples=100)
@given(st.text(max_size=30), st.text(max_size=30))
def test_no_query_makes_the_api_fail(name: str, value: str) -> None:
    for path in ("/v1/notifications", "/v1/messages", "/v1/recipients/C-1/consents", "/v1/campaigns"):
        for key in (name, "cursor", "limit", "reference"):
            answer = shared().get(path, query_string={key: value}, headers=bearer("admin"))
            assert answer.status_code in {200, 422}
