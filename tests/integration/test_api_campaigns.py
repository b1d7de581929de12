"""The calls on campaigns, on doubles: what reaches the use cases, and what is refused."""

from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient

from notify.domain.campaigns import Act, CampaignDraft, CampaignStatus, Schedule
from notify.domain.catalogue import Channel
from tests.doubles_api import FakeApi, bearer

CONTENT = {"fr": {"subject": "Les nouvelles", "body": "Bonjour."}}
CAMPAIGN: dict[str, Any] = {
    "name": "Thursday",
    "topic": "company_news",
    "channels": ["email"],
    "content": CONTENT,
}
AUDIENCE = {
    "all": [
        {"field": "country", "op": "in", "value": ["FR", "SN"]},
        {"field": "attributes.orders", "op": "gte", "value": 2.5},
        {"field": "name", "op": "exists", "value": True},
    ],
    "failed_in": "cmp_7",
}
MARKETING = bearer("campaigns")


def test_a_campaign_is_written(api: FakeApi, client: FlaskClient) -> None:
    body = {**CAMPAIGN, "template": "newsletter", "audience": AUDIENCE, "throttle": 600}
    answer = client.post("/v1/campaigns", json=body, headers=MARKETING)
    assert answer.status_code == 201
    assert answer.get_json()["id"] == "c1"
    draft = CampaignDraft(
        "Thursday", "company_news", (Channel.EMAIL,), CONTENT, audience=AUDIENCE, throttle=600
    )
    assert api.campaigns.book.drafts == [(draft, False)]


def test_a_test_key_makes_campaigns_for_the_outbox(api: FakeApi, client: FlaskClient) -> None:
    assert client.post("/v1/campaigns", json=CAMPAIGN, headers=bearer("test")).status_code == 201
    assert api.campaigns.book.drafts[0][1] is True


def test_an_idempotency_key_stands_for_the_whole_campaign(client: FlaskClient) -> None:
    headers = {**MARKETING, "Idempotency-Key": "thursday"}
    assert client.post("/v1/campaigns", json=CAMPAIGN, headers=headers).status_code == 201
    again = client.post("/v1/campaigns", json=dict(reversed(CAMPAIGN.items())), headers=headers)
    other = client.post("/v1/campaigns", json={**CAMPAIGN, "name": "Friday"}, headers=headers)
    assert (again.status_code, other.status_code) == (201, 422)


@pytest.mark.parametrize(
    ("change", "pointers"),
    [
        ({"name": ""}, ["/name"]),
        ({"name": None}, ["/name"]),
        ({"name": "4111 1111 1111 1111"}, ["/name"]),
        ({"category": "news"}, ["/category"]),
        ({"channels": []}, ["/channels"]),
        ({"channels": ["email", "email"]}, ["/channels"]),
        ({"channels": ["pigeon"]}, ["/channels/0"]),
        ({"content": []}, ["/content"]),
        ({"content": {"fr": {"subject": "x", "body": "4111-1111-1111-1111"}}}, ["/content/fr/body"]),
        (
            {"content": {"fr": {"subject": "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"}}},
            ["/content/fr/subject"],
        ),
        ({"throttle": 0}, ["/throttle"]),
        ({"throttle": 2**40}, ["/throttle"]),
        ({"throttle": 1.5}, ["/throttle"]),
        ({"throttle": True}, ["/throttle"]),
        ({"audience": []}, ["/audience"]),
        ({"audience": {"any": []}}, ["/audience/any"]),
        ({"audience": {"all": [{"field": "country", "op": "eq"}]}}, ["/audience/all/0/value"]),
        (
            {"audience": {"all": [{"field": [], "op": [], "value": 1, "not": 1}]}},
            ["/audience/all/0/field", "/audience/all/0/not", "/audience/all/0/op"],
        ),
        (
            {"audience": {"all": [{"field": "attributes.x", "op": "eq", "value": "4111111111111111"}]}},
            ["/audience/all/0/value"],
        ),
        (
            {"audience": {"all": [{"field": "attributes.x", "op": "in", "value": ["a@example.com"]}]}},
            ["/audience/all/0/value"],
        ),
        ({"audience": {"failed_in": 7}}, ["/audience/failed_in"]),
    ],
)
def test_what_is_wrong_with_a_campaign_is_named(
    api: FakeApi, client: FlaskClient, change: dict[str, Any], pointers: list[str]
) -> None:
    answer = client.post("/v1/campaigns", json={**CAMPAIGN, **change}, headers=MARKETING)
    assert answer.status_code == 422
    said = answer.get_json()
    assert sorted(item["pointer"] for item in said["errors"]) == pointers
    del said["request_id"]  # digits at random
    assert "4111" not in str(said)
    assert "a@example" not in str(said)
    assert not api.campaigns.book.drafts


def test_what_is_required_is_named(client: FlaskClient) -> None:
    answer = client.post("/v1/campaigns", json={}, headers=MARKETING)
    assert [item["pointer"] for item in answer.get_json()["errors"]] == [
        "/name",
        "/topic",
        "/channels",
        "/content",
    ]


def test_a_patch_holds_what_was_given_and_nothing_else(api: FakeApi, client: FlaskClient) -> None:
    bodies = [
        {},
        {"throttle": None},
        {"audience": None},
        {"name": "B", "channels": ["sms"]},
        {"audience": {}},
    ]
    for body in bodies:
        assert client.patch("/v1/campaigns/c1", json=body, headers=MARKETING).status_code == 200
    assert api.campaigns.book.patches == [
        {},
        {"throttle": None},
        {"audience": None},
        {"name": "B", "channels": (Channel.SMS,)},
        {"audience": {}},
    ]
    for wrong in ({"name": None}, {"channels": None}, {"content": None}, {"status": "sent"}):
        assert client.patch("/v1/campaigns/c1", json=wrong, headers=MARKETING).status_code == 422


@pytest.mark.parametrize(
    ("body", "schedule"),
    [
        ({}, Schedule()),
        ({"send_at": None, "timezone": None}, Schedule()),
        (
            {"send_at": "2026-12-01T10:00:00Z"},
            Schedule(datetime(2026, 12, 1, 10, tzinfo=UTC)),
        ),
        (
            {"send_at": "2026-12-01T10:00:00", "timezone": "recipient", "send_past": True},
            Schedule(datetime(2026, 12, 1, 10), "recipient", send_past=True),  # noqa: DTZ001 - local time
        ),
        (
            {"send_at": "2026-12-01T10:00", "timezone": "Africa/Dakar"},
            Schedule(datetime(2026, 12, 1, 10), "Africa/Dakar"),  # noqa: DTZ001 - local time
        ),
    ],
)
def test_a_campaign_is_scheduled(
    api: FakeApi, client: FlaskClient, body: dict[str, Any], schedule: Schedule
) -> None:
    answer = client.post("/v1/campaigns/c1/schedule", json=body, headers=MARKETING)
    assert answer.get_json()["status"] == "scheduled"
    assert api.campaigns.book.schedules == [schedule]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"send_at": "tomorrow"}, "/send_at"),
        ({"send_at": "2026-02-30T10:00:00"}, "/send_at"),
        ({"send_at": "2026-12-01"}, "/send_at"),
        ({"send_at": 1796119200}, "/send_at"),
        ({"timezone": 1}, "/timezone"),
        ({"send_at": "2026-12-01T10:00", "timezone": "right/Europe/Paris"}, "/timezone"),
        ({"send_at": "2026-12-01T10:00", "timezone": "localtime"}, "/timezone"),
        ({"send_past": "yes"}, "/send_past"),
        ({"at": "2026-12-01T10:00:00Z"}, "/at"),
    ],
)
def test_what_is_wrong_with_a_schedule_is_named(
    api: FakeApi, client: FlaskClient, body: dict[str, Any], pointer: str
) -> None:
    answer = client.post("/v1/campaigns/c1/schedule", json=body, headers=MARKETING)
    assert [item["pointer"] for item in answer.get_json()["errors"]] == [pointer]
    assert not api.campaigns.book.schedules


def test_nothing_is_scheduled_by_a_request_without_a_body(api: FakeApi, client: FlaskClient) -> None:
    assert client.post("/v1/campaigns/c1/schedule", headers=MARKETING).status_code == 415
    assert not api.campaigns.book.schedules


def test_a_test_goes_to_addresses_and_numbers(api: FakeApi, client: FlaskClient) -> None:
    # Of the length of a number, and a card number but for the plus.
    to = ["awa.diop@example.com", "+4222222222222"]
    answer = client.post("/v1/campaigns/c1/test", json={"to": to, "locale": "en-GB"}, headers=MARKETING)
    assert answer.status_code == 202
    assert answer.get_json()["messages"][0]["id"] == "m1"
    assert api.campaigns.book.tests == [(to, "en")]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"to": []},
        {"to": "a@example.com"},
        {"to": ["a@example.com"] * 11},
        {"to": [1]},
        {"to": ["4111111111111111"]},
        {"to": ["4111111111111111@example.com"]},
        {"to": ["a@example.com"], "locale": "de"},
    ],
)
def test_what_is_no_test_is_refused(api: FakeApi, client: FlaskClient, body: dict[str, Any]) -> None:
    answer = client.post("/v1/campaigns/c1/test", json=body, headers=MARKETING)
    assert answer.status_code == 422
    assert not api.campaigns.book.tests


@pytest.mark.parametrize("act", ["unschedule", "pause", "resume", "cancel"])
def test_a_campaign_is_moved(api: FakeApi, client: FlaskClient, act: str) -> None:
    answer = client.post(f"/v1/campaigns/c1/{act}", headers=MARKETING)
    assert answer.status_code == 200
    assert api.campaigns.book.acts == [Act(act)]
    assert client.post(f"/v1/campaigns/c2/{act}", headers=MARKETING).status_code == 404


def test_an_illegal_move_says_what_would_be_legal(api: FakeApi, client: FlaskClient) -> None:
    api.campaigns.book.paused_as = CampaignStatus.SENT
    answer = client.post("/v1/campaigns/c1/resume", headers=MARKETING)
    assert (answer.status_code, answer.content_type) == (409, "application/problem+json")
    assert answer.get_json()["type"].endswith("#conflict")
    assert answer.get_json()["detail"] == "cannot resume a campaign that is sent: it must be paused"


def test_campaigns_are_looked_up(api: FakeApi, client: FlaskClient) -> None:
    assert client.get("/v1/campaigns/c1", headers=MARKETING).get_json()["progress"] == {
        "total": 0,
        "pending": 0,
    }
    answer = client.get("/v1/campaigns?status=paused&cursor=c&limit=2", headers=MARKETING).get_json()
    assert list(answer) == ["items", "next_cursor"]
    assert api.campaigns.book.queries == [{"status": "paused", "cursor": "c", "limit": 2}]
    for wrong in ("status=queued", "cursor=alien", "limit=0", "topic=x"):
        assert client.get(f"/v1/campaigns?{wrong}", headers=MARKETING).status_code == 422


@pytest.mark.parametrize("key", ["send", "recipients", "read"])
def test_only_marketing_changes_campaigns(api: FakeApi, client: FlaskClient, key: str) -> None:
    headers = bearer(key)
    assert client.post("/v1/campaigns", json=CAMPAIGN, headers=headers).status_code == 403
    assert client.patch("/v1/campaigns/c1", json={}, headers=headers).status_code == 403
    for act in ("schedule", "unschedule", "test", "pause", "resume", "cancel"):
        assert client.post(f"/v1/campaigns/c1/{act}", json={}, headers=headers).status_code == 403
    assert not api.campaigns.book.acts
    looked = client.get("/v1/campaigns/c1", headers=headers).status_code
    assert looked == (200 if key == "read" else 403)


def test_a_campaign_that_is_too_large_is_refused(client: FlaskClient) -> None:
    body = {**CAMPAIGN, "content": {"fr": {"subject": "x", "body": "x" * 5_000_000}}}
    assert client.post("/v1/campaigns", json=body, headers=MARKETING).status_code == 413
