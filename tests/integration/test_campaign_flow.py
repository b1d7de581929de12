"""Campaigns as marketing sees them: the API on the real use cases, from a draft to the last message."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from notify.app import create_app
from notify.domain.catalogue import Channel
from notify.domain.outcome import Refused
from notify.domain.requests import Choice, Lane
from notify.storage.tables import ConsentRecord
from notify.usecases.api_keys import KeyScope
from tests.campaigns import Newsroom
from tests.doubles_api import bearer
from tests.world import CLICK, World

FRENCH = {
    "subject": "Les nouvelles",
    "body": "Bonjour {{ name | default('à tous') }}.",
    "sms": "Les nouvelles",
}
ENGLISH = {"subject": "The news", "body": "Hello {{ name | default('all') }}.", "sms": "The news"}


class Office:
    """Marketing at its desk: an API client in a world whose pump and door a test turns by hand."""

    def __init__(self, world: World, *, slices_of: int = 2) -> None:
        self.world = world
        self.news = Newsroom(world, largest_slice=slices_of)
        self.client = create_app(world.parts).test_client()
        self.headers = bearer(self.key())

    def key(self, *, test: bool = False) -> str:
        scopes = frozenset({KeyScope.CAMPAIGNS, KeyScope.READ})
        return self.world.parts.create_key("marketing", scopes, test=test, expires_at=None)

    def call(self, method: str, path: str, body: object = None, *, status: int = 200, **headers: str) -> Any:
        """Call, and return the answer's JSON; every campaign in it adds up."""
        answer = self.client.open(path, method=method, json=body, headers={**self.headers, **headers})
        assert answer.status_code == status, answer.text
        found = answer.get_json()
        if "progress" in found:
            progress = dict(found["progress"])
            total = progress.pop("total")
            assert sum(progress.values()) == total, found
            assert min(progress.values()) >= 0
        return found

    def write(self, **more: Any) -> str:
        given = {
            "name": "Thursday",
            "topic": "company_news",
            "channels": ["email"],
            "content": {"fr": FRENCH},
        }
        campaign: str = self.call("POST", "/v1/campaigns", {**given, **more}, status=201)["id"]
        return campaign

    def act(self, campaign: str, act: str, body: object = None, *, status: int = 200) -> Any:
        return self.call("POST", f"/v1/campaigns/{campaign}/{act}", body, status=status)

    def look(self, campaign: str) -> Any:
        return self.call("GET", f"/v1/campaigns/{campaign}")

    def progress(self, campaign: str) -> dict[str, int]:
        return {name: count for name, count in self.look(campaign)["progress"].items() if count}

    def messages(self, campaign: str, query: str = "") -> list[dict[str, Any]]:
        """Return all messages of a campaign, two a page."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = self.call("GET", f"/v1/messages?campaign_id={campaign}&limit=2{query}{cursor}")
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    def deliver_one(self) -> None:
        assert self.world.deliver(Lane.BULK) == 1

    def sent_to(self) -> list[str]:
        return sorted(one.to for one in self.world.email.messages)


@pytest.fixture
def office(world: World) -> Office:
    """Give an office, once on each engine."""
    return Office(world)


def opt_out(world: World, recipient: str) -> None:
    world.parts.change_preferences(
        recipient, [Choice("company_news", Channel.EMAIL, subscribed=False)], CLICK
    )


def test_from_draft_to_sent(world: World, office: Office) -> None:
    for name, locale in (("A", "fr"), ("B", "en"), ("C", "fr"), ("D", "en"), ("E", "fr")):
        office.news.reader(name, locale=locale, attributes={"loyalty": "gold"})
    office.news.reader("A2", email="a@example.com", attributes={"loyalty": "gold"})
    office.news.reader("X", attributes={"loyalty": "none"})
    office.news.stranger("Y", email="y@example.com", country="FR", attributes={"loyalty": "gold"})
    content = {"fr": FRENCH, "en": ENGLISH}
    audience = {"all": [{"field": "attributes.loyalty", "op": "eq", "value": "gold"}]}
    made = office.call(
        "POST",
        "/v1/campaigns",
        {"name": "T", "topic": "company_news", "channels": ["email"], "content": content},
        status=201,
    )
    campaign = made["id"]
    assert office.look(campaign) == made
    changed = office.call("PATCH", f"/v1/campaigns/{campaign}", {"audience": audience, "name": "Thursday"})
    assert (changed["name"], changed["audience"], changed["content"]) == ("Thursday", audience, content)
    office.act(campaign, "schedule", {"send_at": "2026-11-23T15:00:00+01:00"})
    scheduled = office.look(campaign)
    assert (scheduled["status"], scheduled["progress"]) == ("scheduled", {"total": 0, "pending": 0})
    assert datetime.fromisoformat(scheduled["send_at"]) == datetime(2026, 11, 23, 14, tzinfo=UTC)
    office.call("PATCH", f"/v1/campaigns/{campaign}", {"name": "Friday"}, status=409)
    office.news.pump()
    assert office.look(campaign)["status"] == "scheduled"
    world.clock.advance(timedelta(hours=2))
    office.news.run()
    started = office.look(campaign)
    assert (started["status"], started["progress"]) == ("sending", {"total": 6, "pending": 6})
    seen = []
    while office.news.run():
        seen.append(office.progress(campaign))
    assert seen[0] == {"total": 6, "pending": 4, "queued": 2}
    assert office.progress(campaign) == {"total": 6, "queued": 5, "skipped": 1}
    opt_out(world, "E")
    office.news.finish()
    assert office.sent_to() == [f"{name}@example.com" for name in "abcd"]
    assert Counter(one.subject for one in world.email.messages) == {"Les nouvelles": 2, "The news": 2}
    finished = office.look(campaign)
    assert (finished["status"], finished["progress"]) == (
        "sent",
        {"total": 6, "pending": 0, "sent": 4, "skipped": 2},
    )
    assert finished["finished_at"]
    messages = office.messages(campaign)
    assert {one["recipient_id"]: (one["status"], one["reason"]) for one in messages} == {
        **dict.fromkeys("ABCD", ("sent", None)),
        "A2": ("skipped", "duplicate_address"),
        "E": ("skipped", "unsubscribed"),
    }
    assert {one["campaign_id"] for one in messages} == {campaign}
    skipped = office.messages(campaign, "&status=skipped")
    assert {one["recipient_id"] for one in skipped} == {"A2", "E"}
    assert not office.messages("cmp_999")
    assert not office.messages("cmp_999999999999999999")
    assert not office.messages("ntf_1")
    for act in ("schedule", "pause", "resume", "cancel", "unschedule"):
        office.act(campaign, act, {}, status=409)


def test_pause_is_exact_and_resume_reaches_each_once(world: World, office: Office) -> None:
    names = "ABCDEFG"
    for name in names:
        office.news.reader(name)
    campaign = office.write()
    office.act(campaign, "schedule", {})
    for _ in range(3):
        office.news.run()
    office.deliver_one()
    assert office.progress(campaign) == {"total": 7, "sent": 2, "queued": 2, "pending": 3}
    assert office.act(campaign, "pause")["status"] == "paused"
    for _ in range(3):
        office.news.run()
        world.work()
        world.reconcile()
        world.clock.advance(timedelta(hours=1))
    assert len(office.sent_to()) == 2
    assert office.progress(campaign) == {"total": 7, "sent": 2, "queued": 2, "pending": 3}
    opt_out(world, "G")
    slower = office.call("PATCH", f"/v1/campaigns/{campaign}", {"throttle": 100_000})
    assert (slower["throttle"], slower["status"]) == (100_000, "paused")
    office.call("PATCH", f"/v1/campaigns/{campaign}", {"name": "Friday"}, status=409)
    assert office.act(campaign, "resume")["status"] == "sending"
    office.news.finish()
    assert office.sent_to() == [f"{name.lower()}@example.com" for name in names[:-1]]
    assert office.look(campaign)["status"] == "sent"
    assert office.progress(campaign) == {"total": 6, "sent": 6}


def test_cancel_ends_it_for_good(world: World, office: Office) -> None:
    for name in "ABCDEF":
        office.news.reader(name)
    campaign = office.write()
    office.act(campaign, "schedule", {})
    for _ in range(3):
        office.news.run()
    office.deliver_one()
    assert office.act(campaign, "cancel")["status"] == "cancelled"
    office.news.finish()
    assert len(office.sent_to()) == 2
    assert office.progress(campaign) == {"total": 6, "sent": 2, "cancelled": 4}
    assert len(office.messages(campaign, "&status=cancelled")) == 2
    for act in ("resume", "schedule", "cancel"):
        office.act(campaign, act, {}, status=409)
    office.act(campaign, "test", {"to": ["me@example.com"]}, status=409)


def test_unschedule_makes_a_draft_that_can_be_changed(world: World, office: Office) -> None:
    office.news.reader("A")
    campaign = office.write()
    for act in ("pause", "resume", "unschedule"):
        office.act(campaign, act, status=409)
    office.act(campaign, "schedule", {"send_at": "2026-11-23T16:00:00Z"})
    draft = office.act(campaign, "unschedule")
    assert (draft["status"], draft["send_at"]) == ("draft", None)
    world.clock.advance(timedelta(hours=8))
    office.news.finish()
    assert not office.sent_to()
    changed = {"content": {"fr": {**FRENCH, "subject": "Autres nouvelles"}}}
    office.call("PATCH", f"/v1/campaigns/{campaign}", changed)
    office.act(campaign, "schedule", {})
    office.news.finish()
    assert [one.subject for one in world.email.messages] == ["Autres nouvelles"]


def test_everyone_at_ten_by_their_own_clock(world: World, office: Office) -> None:
    office.news.reader("Tokyo", timezone="Asia/Tokyo")
    office.news.reader("Paris", country="FR")
    office.news.reader("Dakar", timezone="Africa/Dakar")
    office.news.reader("Auckland", timezone="Pacific/Auckland")
    campaign = office.write()
    # It is 12:00 UTC on the 23rd: one in the morning of the 24th in Auckland.
    shown = office.act(campaign, "schedule", {"send_at": "2026-11-24T10:00:00", "timezone": "recipient"})
    assert (shown["send_at"], shown["timezone"]) == ("2026-11-24T10:00:00", "recipient")
    arrived: dict[str, datetime] = {}
    for _ in range(30):
        office.news.pump()
        world.work()
        for one in world.email.messages:
            arrived.setdefault(one.to.split("@")[0], world.clock())
        office.look(campaign)
        world.clock.advance(timedelta(hours=1))
    assert arrived == {
        "auckland": datetime(2026, 11, 23, 21, tzinfo=UTC),
        "tokyo": datetime(2026, 11, 24, 1, tzinfo=UTC),
        "paris": datetime(2026, 11, 24, 9, tzinfo=UTC),
        "dakar": datetime(2026, 11, 24, 10, tzinfo=UTC),
    }
    assert office.progress(campaign) == {"total": 4, "sent": 4}
    assert office.look(campaign)["status"] == "sent"


@pytest.mark.parametrize("send_past", [False, True])
def test_whose_hour_is_past_is_skipped_or_written_to_at_once(
    world: World, office: Office, *, send_past: bool
) -> None:
    office.news.reader("Tokyo", timezone="Asia/Tokyo")
    office.news.reader("Dakar", timezone="Africa/Dakar")
    campaign = office.write()
    schedule = {"send_at": "2026-11-23T14:00:00", "timezone": "recipient", "send_past": send_past}
    office.act(campaign, "schedule", schedule)
    office.news.finish()
    early = {"sent": 1} if send_past else {"skipped": 1}
    assert office.progress(campaign) == {"total": 2, **early, "scheduled": 1}
    assert [one["reason"] for one in office.messages(campaign, "&status=skipped")] == (
        [] if send_past else ["too_late"]
    )
    world.clock.advance(timedelta(hours=2))
    office.news.finish()
    assert office.sent_to() == ["dakar@example.com", *(["tokyo@example.com"] if send_past else [])]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
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
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(
    office: Office, body: dict[str, Any], pointer: str
) -> None:
    campaign = office.write()
    answer = office.act(campaign, "schedule", body, status=422)
    assert [one["pointer"] for one in answer["errors"]] == [pointer]
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


def test_those_it_failed_for_get_it_again(world: World, office: Office) -> None:
    for name in "ABC":
        office.news.reader(name)
    world.email.script(Refused("not today"))
    first = office.write()
    office.act(first, "schedule", {})
    office.news.finish()
    failed = [one["recipient_id"] for one in office.messages(first, "&status=failed")]
    assert len(failed) == 1
    second = office.write(audience={"failed_in": first})
    office.act(second, "schedule", {})
    office.news.finish()
    assert [one["recipient_id"] for one in office.messages(second)] == failed
    assert office.progress(second) == {"total": 1, "sent": 1}


def test_tests_go_to_addresses_of_nobody_and_their_links_change_nothing(world: World, office: Office) -> None:
    office.news.reader("A")
    campaign = office.write(channels=["email", "sms"], content={"fr": FRENCH, "en": ENGLISH})
    body = {"to": ["a@example.com", "+33612345678"], "locale": "en"}
    sent = office.act(campaign, "test", body, status=202)
    assert [one["channel"] for one in sent["messages"]] == ["email", "sms"]
    world.work()
    assert (world.email.messages[0].subject, world.email.messages[0].to) == (
        "[Test] The news",
        "a@example.com",
    )
    assert world.sms.messages[0].to == "+33612345678"
    centre = world.email.messages[0].filled().text.rsplit("/preferences/", 1)[1].split()[0]
    entries = select(func.count()).select_from(ConsentRecord)
    with world.parts.engine.connect() as connection:
        before = connection.scalar(entries)
    for token in map(world.opt_out_token, Channel):
        assert office.client.get(f"/u/{token}").status_code == 200
        assert office.client.post(f"/u/{token}").status_code == 200
        assert office.client.post(f"/u/{token}/all").status_code == 200
    assert office.client.get(f"/preferences/{centre}").status_code == 200
    pressed = office.client.post(f"/preferences/{centre}", data={"do": "stop_everything"})
    assert pressed.status_code == 200
    with world.parts.engine.connect() as connection:
        assert connection.scalar(entries) == before
    assert world.subscribed("company_news", Channel.EMAIL, "A")
    for one in sent["messages"]:
        shown = office.call("GET", f"/v1/messages/{one['id']}")
        assert (shown["status"], shown["recipient_id"], shown["campaign_id"]) == ("sent", None, campaign)
    assert office.look(campaign)["progress"] == {"total": 0, "pending": 0}
    assert not office.messages(campaign)
    office.act(campaign, "test", {"to": ["nobody"]}, status=422)
    office.act(campaign, "test", {"to": ["nobody@"]}, status=422)


def test_what_a_test_key_makes_ends_in_the_outbox(world: World, office: Office) -> None:
    office.news.reader("A")
    office.headers = bearer(office.key(test=True))
    campaign = office.write()
    assert office.look(campaign)["test"] is True
    office.act(campaign, "test", {"to": ["me@example.com"]}, status=202)
    office.act(campaign, "schedule", {})
    office.news.finish()
    assert sorted(one.to for one in world.outbox.messages) == ["a@example.com", "me@example.com"]
    assert not world.email.messages


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
