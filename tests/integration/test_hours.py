"""Marketing by SMS leaves inside the lawful window of whom it goes to, by whatever way it was asked for."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from notify.domain.campaigns import Schedule
from notify.domain.catalogue import Channel
from notify.domain.confirmations import TEMPLATES
from notify.domain.errors import InvalidRequestError
from notify.domain.outcome import Transient
from notify.domain.requests import Lane
from notify.domain.views import MessageView
from notify.storage.engine import transaction
from notify.storage.tables import Dispatch
from tests.campaigns import Newsroom, at
from tests.template_shop import Shop
from tests.world import World, settings_for

NIGHT = at(2026, 11, 23, 20)  # 21:00 in Paris, a Monday
MORNING = at(2026, 11, 24, 9)
TEXTS: dict[str, Any] = {"channels": (Channel.SMS,)}


@pytest.fixture
def news(world: World) -> Newsroom:
    """Give a newsroom at night, with one reader in Paris and one in New York, where it is day."""
    world.clock.at = NIGHT
    found = Newsroom(world)
    found.reader("C-1", channels=tuple(Channel), phone="+33612345678")
    found.reader(
        "C-2", channels=tuple(Channel), phone="+12125550123", country="US", timezone="America/New_York"
    )
    return found


def messages(news: Newsroom, campaign: str) -> dict[str, MessageView]:
    page = news.world.parts.lookups.messages(campaign_id=campaign, locale="en")
    return {one["recipient_id"]: one for one in page["items"]}


def sent_to(world: World) -> list[str]:
    return [one.to for one in world.sms.messages]


def test_a_campaign_waits_for_each_one_s_window(news: Newsroom) -> None:
    campaign = news.send(**TEXTS)
    news.finish()
    assert sent_to(news.world) == ["+12125550123"]
    assert news.progress(campaign) == {"total": 2, "scheduled": 1, "sent": 1}
    held = messages(news, campaign)["C-1"]
    assert (held["status"], held["reason"]) == ("scheduled", "outside_hours")
    assert held["scheduled_for"] == "2026-11-24T09:00:00.000Z"
    assert held["explanation"] == (
        "Waiting: no such message may be sent at this hour; it is to be sent on 24 November at 09:00 UTC."
    )
    assert news.world.work() == 0  # it was planned for then, and is not claimed in vain
    news.world.clock.at = MORNING
    held = messages(news, campaign)["C-1"]
    assert (held["status"], held["reason"]) == ("queued", None)
    news.finish()
    assert sent_to(news.world) == ["+12125550123", "+33612345678"]
    assert news.look(campaign)["status"] == "sent"
    assert messages(news, campaign)["C-1"]["reason"] is None


def test_e_mails_and_tests_of_it_do_not_wait(news: Newsroom) -> None:
    campaign = news.draft(channels=tuple(Channel))["id"]
    news.desk.test(campaign, ["+33698765432"])
    news.world.work()
    assert sent_to(news.world) == ["+33698765432"]
    news.desk.schedule(campaign, Schedule())
    news.finish()
    assert sorted(one.to for one in news.world.email.messages) == ["c-1@example.com", "c-2@example.com"]


def test_what_was_planned_by_day_is_held_at_night(news: Newsroom) -> None:
    news.world.clock.at = NIGHT - timedelta(hours=2)
    campaign = news.send(**TEXTS)
    news.pump()
    news.world.clock.at = NIGHT - timedelta(hours=1, minutes=1)  # a minute before eight: too few
    news.world.work()
    assert sent_to(news.world) == ["+12125550123"]
    held = messages(news, campaign)["C-1"]
    assert (held["status"], held["reason"]) == ("scheduled", "outside_hours")
    assert held["scheduled_for"] == "2026-11-24T09:00:00.000Z"


def test_a_retry_is_held_too(news: Newsroom) -> None:
    news.world.clock.at = NIGHT - timedelta(hours=1, minutes=4)
    news.world.sms.script(*[Transient("busy", 600.0)] * 2)
    campaign = news.send(**TEXTS)
    news.pump()
    news.world.work()
    news.world.clock.advance(timedelta(minutes=15))
    news.world.work()
    held = messages(news, campaign)["C-1"]
    assert (held["status"], held["reason"]) == ("scheduled", "outside_hours")
    news.world.clock.at = MORNING
    news.pump()
    news.world.work()
    sent = messages(news, campaign)["C-1"]
    assert (sent["status"], sent["attempts"][:-1]) == ("sent", held["attempts"])
    assert len(held["attempts"]) == 1


def test_an_sms_is_given_up_before_its_window_closes(news: Newsroom) -> None:
    news.world.clock.at = NIGHT - timedelta(hours=1, minutes=5)
    news.send(**TEXTS)
    news.finish()
    valid = {one.to: one.valid_for for one in news.world.sms.messages}
    # Five minutes less one; in New York it is 13:55.
    assert valid == {"+33612345678": 4 * 60, "+12125550123": 7 * 3600 + 4 * 60}


def test_a_gate_that_opens_after_the_window_closed_lets_nothing_through(news: Newsroom) -> None:
    """As when the gate waits for an opt-out that takes long."""
    world = news.world
    world.clock.at = NIGHT - timedelta(hours=1, minutes=3)
    campaign = news.send(**TEXTS)
    news.pump()
    world.gate._clock = lambda: world.clock() + timedelta(minutes=3)  # noqa: SLF001 - it has waited
    world.deliver(Lane.BULK, limit=5)
    assert sent_to(world) == []
    world.gate._clock = world.clock  # noqa: SLF001
    world.clock.advance(timedelta(minutes=3))
    world.work()
    assert sent_to(world) == ["+12125550123"]
    assert messages(news, campaign)["C-1"]["reason"] == "outside_hours"


def test_a_campaign_expires(news: Newsroom) -> None:
    """Who has no window before it expires is told at once; what has not left by then no longer does."""
    campaign = news.send(channels=tuple(Channel), expires_at=MORNING)
    news.pump()
    assert news.progress(campaign) == {"total": 4, "expired": 1, "queued": 3}
    gone = messages(news, campaign)
    one = next(one for one in gone.values() if one["status"] == "expired")
    assert (one["recipient_id"], one["channel"], one["reason"]) == ("C-1", "sms", "outside_hours")
    assert one["expires_at"] == "2026-11-24T09:00:00.000Z"
    assert "no lawful hour" in one["explanation"]
    news.world.clock.at = MORNING
    assert news.world.work() > 0  # claimed before the pump comes round
    assert (news.world.email.messages, news.world.sms.messages) == ([], [])
    news.pump()
    assert news.progress(campaign) == {"total": 4, "expired": 4}
    assert news.look(campaign)["status"] == "sent"


def test_what_is_not_yet_made_of_a_campaign_expires_with_it(world: World) -> None:
    news = Newsroom(world, largest_slice=1)
    for number in range(3):
        news.reader(f"C-{number}")
    campaign = news.send(expires_at=world.clock() + timedelta(hours=1))
    news.run()
    news.run()
    assert news.progress(campaign) == {"total": 3, "queued": 1, "pending": 2}
    world.clock.advance(timedelta(hours=1))
    news.pump()
    assert news.progress(campaign) == {"total": 3, "expired": 3}
    assert news.look(campaign)["status"] == "sent"
    assert world.work() == 0


def test_a_paused_campaign_expires_too(world: World) -> None:
    news = Newsroom(world, largest_slice=1)
    for number in range(3):
        news.reader(f"C-{number}")
    campaign = news.send(expires_at=world.clock() + timedelta(hours=1))
    news.run()
    news.run()
    news.desk.pause(campaign)
    world.clock.advance(timedelta(hours=1))
    news.watch()
    assert news.progress(campaign) == {"total": 3, "expired": 3}
    assert news.look(campaign)["status"] == "paused"
    news.desk.resume(campaign)
    news.pump()
    assert news.look(campaign)["status"] == "sent"
    assert world.work() == 0


def test_a_campaign_that_would_expire_before_it_starts_is_refused(news: Newsroom) -> None:
    campaign = news.draft(expires_at=NIGHT)["id"]
    news.desk.test(campaign, ["author@example.com"])
    assert news.world.work() == 1
    assert [one.to for one in news.world.email.messages] == ["author@example.com"]  # which does not expire
    with pytest.raises(InvalidRequestError) as caught:
        news.desk.schedule(campaign, Schedule())
    assert [one.pointer for one in caught.value.problems] == ["/expires_at"]
    assert news.look(campaign)["status"] == "draft"
    news.desk.patch(campaign, {"expires_at": NIGHT + timedelta(days=1)})
    with pytest.raises(InvalidRequestError):
        news.desk.schedule(campaign, Schedule(send_at=NIGHT + timedelta(days=2)))
    assert news.desk.schedule(campaign, Schedule())["expires_at"] == "2026-11-24T20:00:00.000Z"


def test_a_throttle_holds_when_the_window_opens(world: World) -> None:
    world.clock.at = NIGHT
    news = Newsroom(world)
    for number in range(5):
        news.reader(f"C-{number}", channels=(Channel.SMS,), phone=f"+3361234567{number}")
    campaign = news.send(**TEXTS, throttle=2)
    for _ in range(10):
        news.pump()
        world.clock.advance(timedelta(minutes=1))
    found = sorted(str(one["scheduled_for"]) for one in messages(news, campaign).values())
    assert [moment[11:16] for moment in found] == ["09:00", "09:00", "09:01", "09:01", "09:02"]


def test_what_waits_for_the_morning_is_one_row_until_then(world: World) -> None:
    """A pause or a cancellation would have to change every message that waits before it is answered."""
    world.clock.at = NIGHT
    news = Newsroom(world, most_ahead=5)
    for number in range(8):
        news.reader(f"C-{number}", channels=(Channel.SMS,), phone=f"+3361234567{number}")
    campaign = news.send(**TEXTS)
    news.pump()
    assert news.progress(campaign) == {"total": 8, "scheduled": 8}
    with transaction(world.parts.engine, write=False) as connection:
        assert connection.scalar(select(func.count()).select_from(Dispatch)) == 1
    news.desk.pause(campaign)
    world.clock.at = MORNING
    news.finish()
    assert news.progress(campaign) == {"total": 8, "queued": 8}
    news.desk.resume(campaign)
    news.finish()
    assert news.progress(campaign) == {"total": 8, "queued": 3, "sent": 5}
    news.finish()
    assert news.progress(campaign) == {"total": 8, "sent": 8}


def test_a_notification_of_marketing_waits_or_expires(database_url: str, tmp_path: Path) -> None:
    shop = Shop(tmp_path / "templates")
    shop.change('"order_updates"', '"company_news"')
    shop.take_along(TEMPLATES.values())
    world = World(settings_for(database_url, tmp_path / "data", templates_dir=shop.directory))
    news = Newsroom(world)
    news.reader("C-1", channels=(Channel.SMS,), phone="+33612345678")
    world.clock.at = NIGHT
    given: dict[str, Any] = {
        "recipient": "C-1",
        "profile": {},
        "data": {"word": "x"},
        "channels": (Channel.SMS,),
    }
    expires = world.order("greeting", **given)  # the template's five hours end at two in the morning
    waits = world.order("greeting", **given, send_at=NIGHT + timedelta(hours=10))
    world.work()
    view = world.message(expires, Channel.SMS)
    assert (view["status"], view["reason"]) == ("expired", "outside_hours")
    world.clock.at = NIGHT + timedelta(hours=10)
    world.work()
    view = world.message(waits, Channel.SMS)
    assert (view["status"], view["reason"]) == ("scheduled", "outside_hours")
    assert world.sms.messages == []
    world.clock.at = MORNING
    world.work()
    assert world.message(waits, Channel.SMS)["status"] == "sent"
    world.parts.close()
