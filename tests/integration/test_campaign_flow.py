"""Campaigns as marketing sees them: the API on the real use cases, from a draft to the last message."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from notify.domain.catalogue import Channel
from notify.domain.outcome import Refused
from notify.storage.consent_tables import ConsentRecord
from tests.campaign_office import ENGLISH, FRENCH, Office, opt_out
from tests.doubles_api import bearer
from tests.world import World


@pytest.fixture
def office(world: World) -> Office:
    """Give an office, once on each engine."""
    return Office(world)


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


def test_a_text_that_is_missing_falls_back_to_french_by_channel(world: World, office: Office) -> None:
    both = (Channel.EMAIL, Channel.SMS)
    office.news.reader("Sam", locale="en", phone="+33612345678", channels=both)
    office.news.reader("Awa", locale="fr", phone="+33612345679", channels=both)
    letter = {"subject": ENGLISH["subject"], "body": ENGLISH["body"]}
    campaign = office.write(channels=["email", "sms"], content={"fr": FRENCH, "en": letter})
    office.act(campaign, "schedule", {"send_at": "2026-11-23T14:00:00", "timezone": "Europe/Paris"})
    office.news.finish()
    assert not world.email.messages
    world.clock.advance(timedelta(hours=1))
    office.news.finish()
    assert {one.to: one.subject for one in world.email.messages} == {
        "sam@example.com": "The news",
        "awa@example.com": "Les nouvelles",
    }
    assert len(world.sms.messages) == 2
    assert all("Les nouvelles" in one.text for one in world.sms.messages)
    assert office.progress(campaign) == {"total": 4, "sent": 4}


def test_whoever_is_erased_half_way_gets_nothing(world: World, office: Office) -> None:
    for name in "ABCD":
        office.news.reader(name)
    campaign = office.write()
    office.act(campaign, "schedule", {})
    office.news.run()
    office.news.run()
    assert office.progress(campaign) == {"total": 4, "queued": 2, "pending": 2}
    world.parts.erase_recipient("A")
    world.parts.erase_recipient("D")
    office.look(campaign)
    office.news.finish()
    assert office.sent_to() == ["b@example.com", "c@example.com"]
    done = office.look(campaign)
    assert (done["status"], done["progress"]["sent"], done["progress"]["pending"]) == ("sent", 2, 0)


def test_a_campaign_to_nobody_ends(world: World, office: Office) -> None:
    office.news.stranger("A", email="a@example.com", country="FR")
    campaign = office.write()
    office.act(campaign, "schedule", {})
    office.news.finish()
    done = office.look(campaign)
    assert (done["status"], done["progress"]) == ("sent", {"total": 0, "pending": 0})
    assert not world.email.messages
