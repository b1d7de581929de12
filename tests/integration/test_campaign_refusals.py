"""Campaigns that cannot be, through the API on the real use cases: what is refused leaves nothing behind."""

from typing import Any

import pytest

from tests.campaign_office import ENGLISH, FRENCH, Office
from tests.world import World


@pytest.fixture
def office(world: World) -> Office:
    """Give an office, once on each engine."""
    return Office(world)


NONSENSE: list[tuple[dict[str, Any], str]] = [
    ({"send_at": "2026-12-01T10:00:00Z", "timezone": "Europe/Paris"}, "/send_at"),
    ({"send_at": "2026-12-01T10:00:00+01:00", "timezone": "recipient"}, "/send_at"),
    ({"send_at": "2026-12-01T10:00:00"}, "/send_at"),
    ({"timezone": "recipient"}, "/send_at"),
    ({"send_at": "2026-12-01T10:00:00", "timezone": "Mars/Olympus"}, "/timezone"),
    ({"send_at": "2026-12-01T10:00:00", "timezone": "../../etc/passwd"}, "/timezone"),
    ({"send_at": "2036-12-01T10:00:00Z"}, "/send_at"),
    ({"send_at": "9999-12-31T23:59:59-14:00"}, "/send_at"),
    ({"send_at": "0001-01-01T00:00", "timezone": "recipient"}, "/send_at"),
    ({"send_past": True}, "/send_past"),
]


def test_a_schedule_that_makes_no_sense_is_refused(office: Office) -> None:
    campaign = office.write()
    for body, pointer in NONSENSE:
        answer = office.act(campaign, "schedule", body, status=422)
        assert [one["pointer"] for one in answer["errors"]] == [pointer], body
        assert office.look(campaign)["status"] == "draft"


def test_a_campaign_that_cannot_be_sent_is_refused_whole(office: Office) -> None:
    for change, pointer in (
        ({"topic": "order_updates"}, "/topic"),
        ({"topic": "astrology"}, "/topic"),
        ({"template": "order_shipped"}, "/template"),
        ({"name": "  "}, "/name"),
        ({"content": {"en": ENGLISH}}, "/content/fr"),
        ({"content": {"fr": {"subject": "x"}}}, "/content/fr/body"),
        ({"content": {"fr": FRENCH, "de": FRENCH}}, "/content/de"),
        ({"content": {"fr": {**FRENCH, "subject": 5}}}, "/content/fr/subject"),
        ({"content": {"fr": "x"}}, "/content/fr"),
        ({"content": {"fr": {**FRENCH, "footer": "x"}}}, "/content/fr/footer"),
        ({"channels": ["sms"], "content": {"fr": {"subject": "x", "body": "y"}}}, "/content/fr/sms"),
        ({"audience": {"all": [{"field": "shoe", "op": "eq", "value": 1}]}}, "/audience/all/0/field"),
        ({"audience": {"all": [{"field": "email", "op": "eq", "value": "x"}]}}, "/audience/all/0/op"),
        ({"audience": {"all": [{"field": "country", "op": "in", "value": "FR"}]}}, "/audience/all/0/value"),
        ({"audience": {"failed_in": "cmp_999"}}, "/audience/failed_in"),
        ({"audience": {"failed_in": "ntf_1"}}, "/audience/failed_in"),
    ):
        given = {"name": "T", "topic": "company_news", "channels": ["email"], "content": {"fr": FRENCH}}
        answer = office.call("POST", "/v1/campaigns", {**given, **change}, status=422)
        assert [one["pointer"] for one in answer["errors"]] == [pointer], change
    assert office.call("GET", "/v1/campaigns")["items"] == []


def test_a_repeated_request_writes_no_second_campaign(office: Office) -> None:
    body = {"name": "T", "topic": "company_news", "channels": ["email"], "content": {"fr": FRENCH}}
    key = {"Idempotency-Key": "thursday"}
    refused = {**body, "topic": "astrology"}
    office.call("POST", "/v1/campaigns", refused, status=422, **key)
    first = office.call("POST", "/v1/campaigns", body, status=201, **key)
    office.act(first["id"], "schedule", {})
    assert office.call("POST", "/v1/campaigns", body, status=201, **key) == first
    office.call("POST", "/v1/campaigns", refused, status=422, **key)
    assert len(office.call("GET", "/v1/campaigns")["items"]) == 1
    assert office.call("GET", "/v1/campaigns?status=draft")["items"] == []
