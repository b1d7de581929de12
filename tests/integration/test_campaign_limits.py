"""Campaigns stop themselves for every reason there is, and never run far ahead of what can be sent."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, update

from notify.domain.campaigns import Schedule
from notify.domain.catalogue import Channel
from notify.domain.outcome import Transient
from notify.domain.requests import Lane
from notify.storage.engine import transaction
from notify.storage.event_tables import ProviderEventRow
from notify.storage.tables import Dispatch, Message
from tests.campaigns import Newsroom
from tests.world import World, settings_for


class Reports:
    """A campaign of a hundred messages that stands for a thousand, and what providers report of them."""

    def __init__(self, world: World) -> None:
        self.news = Newsroom(world)
        self._engine = world.parts.engine
        self._now = world.clock()
        for number in range(100):
            self.news.reader(f"R-{number}")
        self.campaign = self.news.send()
        self.news.pump()
        while world.deliver(Lane.BULK):
            pass
        with transaction(self._engine, write=True) as connection:
            connection.execute(update(Dispatch).values(size=Dispatch.size * 10))

    def come(self, status: str, count: int, *, hard: bool = True) -> None:
        """Let so many messages, that nothing was said of yet, have this status, by an event for each."""
        fresh = (
            select(Message.id).where(Message.status.in_(("queued", "sent"))).order_by(Message.id).limit(count)
        )
        with transaction(self._engine, write=True) as connection:
            numbers = list(connection.scalars(fresh))
            connection.execute(update(Message).where(Message.id.in_(numbers)).values(status=status))
            told = {
                "provider": "mail",
                "kind": status,
                "at": self._now,
                "received_at": self._now,
                "hard": hard,
            }
            rows = [{**told, "event_id": f"{status}-{number}", "message_id": number} for number in numbers]
            connection.execute(insert(ProviderEventRow), rows)

    def stands(self) -> tuple[str, str | None]:
        self.news.watch()
        found = self.news.look(self.campaign)
        return found["status"], found["reason"]


@pytest.fixture
def reports(world: World) -> Reports:
    return Reports(world)


def test_a_campaign_resumed_in_spite_of_complaints_still_stops_for_bounces(reports: Reports) -> None:
    reports.come("complained", 4)
    assert reports.stands() == ("paused", "complaints")
    reports.news.desk.resume(reports.campaign)
    assert reports.stands()[0] == "sending"
    reports.come("bounced", 51)
    assert reports.stands() == ("paused", "bounces")
    reports.news.desk.resume(reports.campaign)
    assert reports.stands()[0] == "sending"


def test_mail_servers_that_were_busy_stop_no_campaign(reports: Reports) -> None:
    reports.come("bounced", 60, hard=False)
    assert reports.stands()[0] == "sending"


def test_a_pause_by_hand_forgets_nothing_that_was_overridden(reports: Reports) -> None:
    reports.come("bounced", 60)
    assert reports.stands() == ("paused", "bounces")
    reports.news.desk.resume(reports.campaign)
    reports.news.desk.pause(reports.campaign)
    assert reports.stands() == ("paused", None)
    reports.news.desk.resume(reports.campaign)
    assert reports.stands() == ("sending", None)


def test_with_both_reasons_it_stops_for_each_of_them(reports: Reports) -> None:
    reports.come("bounced", 60)
    reports.come("complained", 4)
    assert reports.stands() == ("paused", "complaints")
    reports.news.desk.resume(reports.campaign)
    assert reports.stands() == ("paused", "bounces")
    (alert,) = reports.news.world.parts.backlog.report(reports.news.world.clock()).alerts
    assert (alert.kind, alert.count) == ("campaign_stopped", 2)
    assert alert.details == {"campaign": reports.campaign, "reason": "bounces"}


def test_complaints_are_told_of_long_before_they_stop_anything(reports: Reports) -> None:
    world = reports.news.world
    watch, alerts = world.parts.watch_complaints, world.parts.backlog
    assert not watch()
    reports.come("complained", 1)  # of 1,000
    assert reports.stands()[0] == "sending"
    assert watch()
    (alert,) = alerts.report(world.clock()).alerts
    assert (alert.kind, alert.details) == (
        "complaint_rate",
        {"campaigns": {reports.campaign: 0.1}, "day": 0.1},
    )
    with transaction(world.parts.engine, write=True) as connection:
        connection.execute(update(Dispatch).values(size=Dispatch.size * 2))
    assert not watch()
    assert alerts.report(world.clock()).alerts == []


def _sms_readers(news: Newsroom, count: int) -> None:
    for number in range(count):
        news.reader(f"S-{number}", phone=f"+336123456{number:02}", channels=(Channel.SMS, Channel.EMAIL))


def _waiting(world: World, *channels: Channel) -> int:
    """Count the rows that a pause has to change before it is answered."""
    query = select(func.count()).where(Dispatch.phase == "waiting", Dispatch.channel.in_(channels or Channel))
    with transaction(world.parts.engine, write=False) as connection:
        return connection.scalar(query.select_from(Dispatch)) or 0


@pytest.mark.parametrize(
    ("channels", "schedule"),
    [
        ((Channel.SMS,), Schedule()),
        ((Channel.EMAIL, Channel.SMS), Schedule()),
        ((Channel.SMS,), Schedule(datetime(2026, 11, 23, 13), "recipient")),  # noqa: DTZ001 - on their clocks
    ],
    ids=["by-sms", "by-both", "by-local-time"],
)
def test_of_messages_that_go_one_by_one_only_so_many_wait_for_their_calls(
    world: World, channels: tuple[Channel, ...], schedule: Schedule
) -> None:
    news = Newsroom(world, largest_slice=5, most_ahead=4)
    _sms_readers(news, 9)
    campaign = news.send(schedule, channels=channels)
    news.pump()
    world.clock.at = max(world.clock.at, datetime(2026, 11, 23, 12, tzinfo=UTC))
    total = 9 * len(channels)
    for _ in range(3):
        news.pump()
        assert news.progress(campaign) == {"total": total, "queued": total}
        assert 0 < _waiting(world, Channel.SMS) <= 4
        world.clock.advance(timedelta(seconds=10))
    news.desk.pause(campaign)
    assert _waiting(world) == 0
    news.finish()
    assert news.progress(campaign) == {"total": total, "queued": total}
    news.desk.resume(campaign)
    for _ in range(6):
        news.finish()
        assert _waiting(world, Channel.SMS) <= 4
    assert news.progress(campaign) == {"total": total, "sent": total}
    assert news.look(campaign)["status"] == "sent"
    assert len({one.to for one in world.sms.messages}) == len(world.sms.messages) == 9


def test_only_so_many_wait_for_a_provider_that_is_away(world: World) -> None:
    news = Newsroom(world, most_ahead=2)
    _sms_readers(news, 16)
    world.sms.script(*[Transient("away", 3600.0)] * 16)
    campaign = news.send(channels=(Channel.SMS,))
    for _ in range(9):
        news.pump()
        world.work()
        world.clock.advance(timedelta(seconds=10))
    assert _waiting(world) == 10
    for _ in range(3):
        world.clock.advance(timedelta(hours=1))
        for _ in range(9):
            news.finish()
    assert news.progress(campaign) == {"total": 16, "sent": 16}


def test_a_cancelled_campaign_counts_what_was_not_made_yet(world: World) -> None:
    news = Newsroom(world, largest_slice=2, most_ahead=4)
    _sms_readers(news, 9)
    campaign = news.send(channels=(Channel.SMS,))
    news.pump()
    news.desk.cancel(campaign)
    assert news.progress(campaign) == {"total": 9, "cancelled": 9}


def test_nobody_in_an_early_zone_waits_for_those_whose_hour_comes_later(world: World) -> None:
    """What is planned for later does not count as waiting for its call."""
    news = Newsroom(world, largest_slice=1, most_ahead=2)
    for number in range(4):
        news.reader(
            f"L-{number}", phone=f"+3361234560{number}", channels=(Channel.SMS,), timezone="America/Toronto"
        )
    news.reader("E", phone="+33612345699", channels=(Channel.SMS,), timezone="Asia/Tokyo")
    local = datetime(2026, 11, 24, 10)  # noqa: DTZ001 - on everybody's own clock
    campaign = news.send(Schedule(local, "recipient"), channels=(Channel.SMS,))
    world.clock.advance(timedelta(hours=9))
    news.pump()
    assert news.progress(campaign) == {"total": 5, "scheduled": 5}


@pytest.mark.parametrize(("channel", "zone"), [(Channel.EMAIL, None), (Channel.SMS, "recipient")])
def test_a_throttle_holds_in_every_minute_however_late_the_workers_are(
    sqlite_url: str, tmp_path: Path, channel: Channel, zone: str | None
) -> None:
    world = World(settings_for(sqlite_url, tmp_path / "data"))
    news = Newsroom(world)
    for number in range(30):
        news.reader(f"T-{number}", phone=f"+336123456{number:02}", channels=(channel,))
    local = datetime(2026, 11, 23, 14) if zone else None  # noqa: DTZ001 - on their clocks
    campaign = news.send(Schedule(local, zone), channels=(channel,), throttle=12)
    news.pump()
    world.clock.at = datetime(2026, 11, 23, 13, tzinfo=UTC)
    provider = world.sms if channel is Channel.SMS else world.email
    sent: dict[datetime, int] = {}
    for step in range(60):
        news.pump()
        if step % 20 not in range(9):  # for 45 seconds they are busy with something else
            while world.deliver(Lane.BULK, 100):
                pass
            sent[world.clock()] = len(provider.messages) - sum(sent.values())
        world.clock.advance(timedelta(seconds=5))
    for begin in sent:
        minute = begin + timedelta(minutes=1)
        assert sum(count for at, count in sent.items() if begin <= at < minute) <= 12
    assert news.look(campaign)["status"] == "sent"
    assert len(provider.messages) == 30


@pytest.mark.parametrize("mishap", ["late-workers", "resumed-at-night"])
def test_texts_whose_hours_are_over_stay_packed_and_keep_their_throttle(world: World, mishap: str) -> None:
    news = Newsroom(world)
    _sms_readers(news, 40)
    local = datetime(2026, 11, 23, 18, 45)  # noqa: DTZ001 - on their clocks
    campaign = news.send(Schedule(local, "recipient"), channels=(Channel.SMS,), throttle=10)
    news.pump()
    if mishap == "resumed-at-night":
        news.desk.pause(campaign)
    world.clock.at = datetime(2026, 11, 23, 21, tzinfo=UTC)
    if mishap == "resumed-at-night":
        news.desk.resume(campaign)
    for _ in range(8):
        news.finish()
    assert news.progress(campaign) == {"total": 40, "scheduled": 40}
    assert _waiting(world) == 0
    item = world.parts.lookups.messages(campaign_id=campaign, limit=1)["items"][0]
    assert item["reason"] == "outside_hours"
    world.clock.at = datetime(2026, 11, 24, 8, 59, tzinfo=UTC)
    called = []
    for _ in range(40):
        news.pump()
        before = len(world.sms.messages)
        while world.deliver(Lane.BULK, 100):
            pass
        called += [world.clock()] * (len(world.sms.messages) - before)
        world.clock.advance(timedelta(seconds=10))
    assert len(called) == 40
    assert called[0] >= datetime(2026, 11, 24, 9, tzinfo=UTC)
    assert all(later - at >= timedelta(minutes=1) for at, later in zip(called, called[10:], strict=False))


def test_of_texts_packed_together_those_whose_hours_are_over_wait(world: World) -> None:
    news = Newsroom(world, most_ahead=4)
    world.clock.at = datetime(2026, 11, 23, 18, tzinfo=UTC)
    for number in range(20):
        home = {"country": "US", "timezone": "America/New_York"} if number % 2 else {"country": "FR"}
        news.reader(f"M-{number}", phone=f"+336123456{number:02}", channels=(Channel.SMS,), **home)
    campaign = news.send(channels=(Channel.SMS,))
    news.pump()
    world.clock.at = datetime(2026, 11, 23, 21, tzinfo=UTC)
    for _ in range(8):
        news.finish()
        assert _waiting(world, Channel.SMS) <= 4
    assert news.progress(campaign) == {"total": 20, "sent": 10, "scheduled": 10}
    world.clock.at = datetime(2026, 11, 24, 9, tzinfo=UTC)
    for _ in range(4):
        news.finish()
    assert news.progress(campaign) == {"total": 20, "sent": 20}
