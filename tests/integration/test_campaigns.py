"""Campaigns from draft to sent: exactly one message for whoever is in, and numbers that add up."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from notify.domain.campaigns import CampaignDraft, Schedule
from notify.domain.catalogue import Channel
from notify.domain.consent import Scope
from notify.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from notify.domain.outcome import Refused
from notify.domain.recipients import PolicyAcceptance
from notify.domain.requests import Choice, Lane, RecipientInput
from notify.storage.campaign_tables import Campaign
from notify.storage.engine import transaction
from tests.campaigns import CONTENT, OPT_IN, SINCE, Newsroom, at
from tests.world import World

BOTH = (Channel.EMAIL, Channel.SMS)


@pytest.fixture
def news(world: World) -> Newsroom:
    """Give a newsroom, once on each engine."""
    return Newsroom(world)


def _sent_to(world: World) -> list[str]:
    return sorted(one.to for one in [*world.email.messages, *world.sms.messages, *world.outbox.messages])


def test_a_newsletter_reaches_everyone_who_wants_it_once(world: World, news: Newsroom) -> None:
    for name in ("A", "B", "C"):
        news.reader(name)
    news.stranger("D", email="d@example.com", country="FR")
    news.reader("E", topic="product_offers")
    campaign = news.send()
    assert news.look(campaign)["status"] == "scheduled"
    news.pump()
    assert news.progress(campaign) == {"total": 3, "queued": 3}
    news.finish()
    assert _sent_to(world) == ["a@example.com", "b@example.com", "c@example.com"]
    assert news.progress(campaign) == {"total": 3, "sent": 3}
    found = news.look(campaign)
    assert found["status"] == "sent"
    assert found["started_at"]
    assert found["finished_at"]
    assert not news.run()
    assert len(world.email.batches) == 1  # one call for all of them


def test_each_reads_it_in_their_language_with_links_of_their_own(world: World, news: Newsroom) -> None:
    news.reader("A", locale="fr")
    news.reader("B", locale="en")
    news.reader("C")
    news.send()
    news.finish()
    subjects = {one.to[0]: one.subject for one in world.email.messages}
    assert subjects == {"a": "Les nouvelles", "b": "The news", "c": "Les nouvelles"}
    links = {one.headers["List-Unsubscribe"] for one in world.email.messages}
    assert len(links) == 3


def test_who_is_subscribed_without_having_chosen(world: World, news: Newsroom) -> None:
    """By the privacy policy in Senegal, and by a purchase for offers."""
    consent = PolicyAcceptance("v1", world.clock() - timedelta(days=9), "checkout")
    world.parts.upsert_recipient(RecipientInput("S", {"email": "s@example.com", "country": "SN"}, consent))
    news.stranger("F", email="f@example.com", country="FR", customer_since=SINCE)
    news.send()
    news.finish()
    assert _sent_to(world) == ["s@example.com"]
    offers = news.send(topic="product_offers")
    news.finish()
    assert news.progress(offers) == {"total": 2, "sent": 2}


def test_who_may_not_be_written_to_is_counted_as_skipped(world: World, news: Newsroom) -> None:
    news.reader("A", email="shared@example.com")
    news.reader("B", email="Shared@example.com")
    news.reader("C")
    with world.parts.store.write() as tx:
        recipient = tx.recipients.by_external_id("C")
        assert recipient
        tx.suppressions.bar(
            Channel.EMAIL,
            recipient.hashes[Channel.EMAIL],
            Scope.ALL,
            reason="hard_bounce",
            masked=None,
            now=world.clock(),
        )
    campaign = news.send()
    news.finish()
    assert _sent_to(world) == ["shared@example.com"]
    assert news.progress(campaign) == {"total": 3, "sent": 1, "skipped": 2}
    page = world.parts.lookups.messages(campaign_id=campaign)
    reasons = {one["recipient_id"]: one["reason"] for one in page["items"]}
    assert reasons == {"A": None, "B": "duplicate_address", "C": "suppressed"}


def test_an_address_gets_it_once_across_slices(world: World) -> None:
    news = Newsroom(world, largest_slice=1)
    for name in ("A", "B", "C"):
        news.reader(name, email="shared@example.com")
    campaign = news.send()
    news.finish()
    assert _sent_to(world) == ["shared@example.com"]
    assert news.progress(campaign) == {"total": 3, "sent": 1, "skipped": 2}


def test_both_channels_and_countries_that_may_not_be_texted(world: World, news: Newsroom) -> None:
    news.reader("A", channels=BOTH, phone="+33612345678")
    news.reader("B", channels=BOTH, phone="+221771234567")
    news.reader("C", channels=(Channel.SMS,), phone="+33612345679")
    news.stranger("D", email="d@example.com")
    allowed = world.parts.policy
    object.__setattr__(allowed, "sms_countries", frozenset({"FR"}))
    campaign = news.send(channels=BOTH)
    news.finish()
    assert _sent_to(world) == ["+33612345678", "+33612345679", "a@example.com", "b@example.com"]
    assert news.progress(campaign) == {"total": 5, "sent": 4, "skipped": 1}
    (skipped,) = world.parts.lookups.messages(campaign_id=campaign, status="skipped")["items"]
    assert skipped["reason"] == "country_not_allowed"


def test_only_the_audience_gets_it(world: World, news: Newsroom) -> None:
    news.reader("A", attributes={"orders": 3, "city": "Dakar"})
    news.reader("B", attributes={"orders": 9, "city": "Paris"})
    news.reader("C")
    audience = {"all": [{"field": "attributes.orders", "op": "gte", "value": 3}]}
    campaign = news.send(audience=audience)
    news.finish()
    assert _sent_to(world) == ["a@example.com", "b@example.com"]
    assert news.progress(campaign) == {"total": 2, "sent": 2}
    assert news.look(campaign)["audience"] == audience


def test_who_leaves_after_it_was_made_does_not_get_it(world: World, news: Newsroom) -> None:
    news.reader("A")
    news.reader("B")
    campaign = news.send()
    news.pump()
    world.parts.change_preferences("A", [Choice("company_news", Channel.EMAIL, subscribed=False)], OPT_IN)
    news.finish()
    assert _sent_to(world) == ["b@example.com"]
    assert news.progress(campaign) == {"total": 2, "sent": 1, "skipped": 1}


def test_the_snapshot_is_taken_at_the_start(world: World) -> None:
    news = Newsroom(world, largest_slice=1)
    news.reader("A")
    news.reader("B")
    campaign = news.send(Schedule(world.clock() + timedelta(hours=1)))
    news.pump()
    assert news.look(campaign)["status"] == "scheduled"
    world.clock.advance(timedelta(hours=1))
    assert news.run()
    assert news.progress(campaign) == {"total": 2, "pending": 2}
    news.reader("C")
    assert news.run()
    assert news.progress(campaign) == {"total": 2, "pending": 1, "queued": 1}
    news.finish()
    assert _sent_to(world) == ["a@example.com", "b@example.com"]


def test_send_to_those_it_failed_for(world: World, news: Newsroom) -> None:
    for name in ("A", "B", "C"):
        news.reader(name)
    world.email.script(Refused("no such mailbox"))
    first = news.send()
    news.finish()
    assert news.progress(first) == {"total": 3, "sent": 2, "failed": 1}
    failed = {
        one["recipient_id"]
        for one in world.parts.lookups.messages(campaign_id=first, status="failed")["items"]
    }
    again = news.send(audience={"failed_in": first})
    news.finish()
    assert news.progress(again) == {"total": 1, "sent": 1}
    got = {one["recipient_id"] for one in world.parts.lookups.messages(campaign_id=again)["items"]}
    assert got == failed


def test_each_in_their_own_time(world: World, news: Newsroom) -> None:
    """The clock stands at 12:00 UTC on 23 November."""
    news.reader("Paris", country="FR")
    news.reader("Dakar", country="SN")
    news.reader("Toronto", timezone="America/Toronto")
    news.reader("Tokyo", timezone="Asia/Tokyo")
    campaign = news.send(Schedule(at(2026, 11, 23, 14).replace(tzinfo=None), "recipient"))
    news.pump()
    assert news.progress(campaign) == {"total": 4, "scheduled": 3, "skipped": 1}
    (late,) = world.parts.lookups.messages(campaign_id=campaign, status="skipped")["items"]
    assert (late["recipient_id"], late["reason"]) == ("Tokyo", "too_late")
    for hours, who in ((1, "paris"), (1, "dakar"), (5, "toronto")):
        world.clock.advance(timedelta(hours=hours))
        world.work()
        assert world.email.messages[-1].to == f"{who}@example.com"
    news.finish()
    assert news.look(campaign)["status"] == "sent"


def test_whose_hour_is_past_gets_it_at_once_if_that_is_wanted(world: World, news: Newsroom) -> None:
    news.reader("Tokyo", timezone="Asia/Tokyo")
    schedule = Schedule(at(2026, 11, 23, 14).replace(tzinfo=None), "recipient", send_past=True)
    campaign = news.send(schedule)
    news.finish()
    assert news.progress(campaign) == {"total": 1, "sent": 1}


def test_a_schedule_by_local_time_ahead_of_everybody_is_late_for_nobody(world: World, news: Newsroom) -> None:
    news.reader("First", timezone="Pacific/Kiritimati")
    news.reader("Last", timezone="Pacific/Pago_Pago")
    campaign = news.send(Schedule(at(2026, 11, 25, 10).replace(tzinfo=None), "recipient"))
    news.pump()
    assert news.progress(campaign) == {}
    world.clock.at = at(2026, 11, 24, 20)
    world.clock.advance(timedelta(minutes=7))  # nothing ran for a while
    news.finish()
    assert news.progress(campaign) == {"total": 2, "sent": 1, "scheduled": 1}
    world.clock.at = at(2026, 11, 25, 21)
    news.finish()
    assert news.progress(campaign) == {"total": 2, "sent": 2}


def test_campaigns_made_side_by_side_list_their_own_messages(world: World) -> None:
    news = Newsroom(world, largest_slice=1)
    for name in ("A", "B", "C"):
        news.reader(name)
    one, other = news.send(), news.send()
    news.pump()
    news.finish()
    world.order()
    for campaign in (one, other):
        for status in (None, "sent"):
            page = world.parts.lookups.messages(campaign_id=campaign, status=status, limit=2)
            rest = world.parts.lookups.messages(
                campaign_id=campaign, status=status, limit=2, cursor=page["next_cursor"]
            )
            assert [item["recipient_id"] for item in (*page["items"], *rest["items"])] == ["C", "B", "A"]
            assert rest["next_cursor"] is None


def test_a_campaign_begun_before_an_upgrade_lists_all_its_messages(world: World) -> None:
    news = Newsroom(world, largest_slice=1)
    for name in ("A", "B", "C"):
        news.reader(name)
    campaign = news.send()
    assert news.run()
    assert news.run()  # it starts, and makes its first slice
    with transaction(world.parts.engine, write=True) as connection:
        connection.execute(update(Campaign).values(messages_after=None, messages_up_to=None))
    news.finish()
    for status in (None, "sent"):
        page = world.parts.lookups.messages(campaign_id=campaign, status=status, limit=9)
        assert [item["recipient_id"] for item in page["items"]] == ["C", "B", "A"]


def test_a_throttle_holds_a_campaign_back(world: World, news: Newsroom) -> None:
    for number in range(5):
        news.reader(f"R-{number}")
    campaign = news.send(throttle=2)
    for minute in range(3):
        for _ in range(2):
            news.pump()
            world.work()
            world.clock.advance(timedelta(seconds=30))
        assert len(world.email.messages) == min(5, 2 * (minute + 1))
    assert news.progress(campaign)["total"] == 5
    news.finish()
    assert news.look(campaign)["status"] == "sent"


def test_a_throttle_spreads_local_times_too(world: World, news: Newsroom) -> None:
    for number in range(5):
        news.reader(f"R-{number}", country="SN")
    news.send(Schedule(at(2026, 11, 23, 15).replace(tzinfo=None), "recipient"), throttle=2)
    news.pump()
    world.clock.at = at(2026, 11, 23, 15)
    for expected in (2, 4, 5):
        news.pump()
        world.work()
        assert len(world.email.messages) == expected
        world.clock.advance(timedelta(minutes=1))


def test_the_throttle_can_be_changed_on_the_way_and_nothing_else(news: Newsroom) -> None:
    news.reader("A")
    campaign = news.send()
    assert news.desk.patch(campaign, {"throttle": 60})["throttle"] == 60
    with pytest.raises(ConflictError):
        news.desk.patch(campaign, {"name": "Friday"})
    with pytest.raises(InvalidRequestError, match="/throttle"):
        news.desk.patch(campaign, {"throttle": 0})


def test_a_draft_can_be_changed_and_is_checked_as_a_whole(news: Newsroom) -> None:
    campaign = news.draft()["id"]
    changed = news.desk.patch(campaign, {"name": "Friday", "topic": "surveys", "audience": {"all": []}})
    assert (changed["name"], changed["topic"], changed["audience"]) == ("Friday", "surveys", {"all": []})
    with pytest.raises(InvalidRequestError, match="/content/fr/sms"):
        news.desk.patch(campaign, {"channels": BOTH, "content": {"fr": {"subject": "x", "body": "y"}}})
    assert news.look(campaign)["channels"] == ["email"]


def test_what_is_wrong_with_a_campaign_is_said_with_a_pointer(news: Newsroom) -> None:
    wrong: dict[str, dict[str, object]] = {
        "/topic": {"topic": "weather"},
        "/topic ": {"topic": "order_updates"},
        "/channels": {"channels": ()},
        "/content/fr": {"content": {"en": CONTENT["en"]}},
        "/audience/all/0/field": {"audience": {"all": [{"field": "shoe", "op": "eq", "value": 1}]}},
        "/audience/failed_in": {"audience": {"failed_in": "cmp_99"}},
        "/name": {"name": " "},
    }
    for pointer, change in wrong.items():
        with pytest.raises(InvalidRequestError) as refused:
            news.draft(**change)
        assert any(one.pointer.startswith(pointer.strip()) for one in refused.value.problems)
    assert news.desk.lookups.campaigns()["items"] == []


def test_unscheduling_leads_back_to_the_draft(world: World, news: Newsroom) -> None:
    news.reader("A")
    campaign = news.send(Schedule(world.clock() + timedelta(hours=1)))
    found = news.desk.unschedule(campaign)
    assert (found["status"], found["send_at"]) == ("draft", None)
    world.clock.advance(timedelta(hours=2))
    news.finish()
    assert _sent_to(world) == []
    news.desk.patch(campaign, {"content": {"fr": {**CONTENT["fr"], "subject": "Autre chose"}}})
    news.desk.schedule(campaign, Schedule())
    news.finish()
    assert [one.subject for one in world.email.messages] == ["Autre chose"]


def test_campaigns_are_listed_newest_first_by_cursor(news: Newsroom) -> None:
    made = [news.draft(name=f"N {number}")["id"] for number in range(3)]
    first = news.desk.lookups.campaigns(limit=2)
    second = news.desk.lookups.campaigns(limit=2, cursor=first["next_cursor"])
    assert [one["id"] for one in first["items"] + second["items"]] == made[::-1]
    assert second["next_cursor"] is None
    assert news.desk.lookups.campaigns(status="sent")["items"] == []
    with pytest.raises(NotFoundError):
        news.desk.lookups.campaign("cmp_999")


def test_messages_of_a_campaign_are_listed_by_status_and_cursor(world: World, news: Newsroom) -> None:
    for number in range(5):
        news.reader(f"R-{number}")
    world.email.script(Refused("no such mailbox"), Refused("no such mailbox"))
    campaign = news.send()
    news.send()
    news.finish()
    for status, count in {"sent": 3, "failed": 2, "queued": 0}.items():
        found, cursor, pages = [], None, 0
        while pages == 0 or cursor:
            page = world.parts.lookups.messages(campaign_id=campaign, status=status, cursor=cursor, limit=2)
            found += [(one["campaign_id"], one["status"], one["id"]) for one in page["items"]]
            cursor, pages = page["next_cursor"], pages + 1
        assert [one[:2] for one in found] == [(campaign, status)] * count
        assert len(set(found)) == count


def test_a_campaign_of_a_test_key_ends_in_the_outbox(world: World, news: Newsroom) -> None:
    news.reader("A")
    news.send(test=True)
    news.finish()
    assert [one.to for one in world.outbox.messages] == ["a@example.com"]
    assert not world.email.messages


def test_erasing_somebody_keeps_the_numbers_right(world: World, news: Newsroom) -> None:
    for name in ("A", "B", "C"):
        news.reader(name)
    world.email.script(Refused("no such mailbox"))
    campaign = news.send()
    news.pump()
    world.parts.erase_recipient("B")
    assert news.progress(campaign) == {"total": 2, "queued": 2}
    news.finish()
    assert news.progress(campaign) == {"total": 2, "sent": 1, "failed": 1}
    world.parts.erase_recipient("A")
    world.parts.erase_recipient("C")
    assert news.progress(campaign) == {}
    assert world.deliver(Lane.BULK) == 0


def test_a_draft_is_kept_as_its_author_wrote_it(news: Newsroom) -> None:
    found = news.desk.lookups.campaign(
        news.desk.create(CampaignDraft("Thursday", "company_news", BOTH, CONTENT, throttle=600))["id"]
    )
    assert (found["name"], found["channels"], found["throttle"]) == ("Thursday", ["email", "sms"], 600)
    assert found["content"] == CONTENT
    assert found["progress"] == {"total": 0, "pending": 0}
