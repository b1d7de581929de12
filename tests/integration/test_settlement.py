"""Calls that broke off: word of them is looked for, and without it the policy decides."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from notify.domain.catalogue import Channel
from notify.domain.delivery import Fate, Record
from notify.domain.doubts import FIRST_LOOK, WINDOW
from notify.domain.errors import UnavailableError
from notify.domain.events import EventKind, ProviderEvent
from notify.domain.outcome import Ambiguous
from notify.domain.status import Status
from notify.domain.views import NotificationView
from notify.providers.twilio import TwilioProvider
from notify.storage.tables import Attempt
from notify.usecases.delivery.settle_unknown import Settlement, SettleUnknown
from notify.usecases.events.applying import apply_events
from tests.doubles import FakeProviders
from tests.loopback.server import Fault
from tests.loopback.twilio import TwilioLoopback
from tests.reporting import SID, Reporting
from tests.world import PHONE, World


class FakeLookup:
    """A provider's list: what `has` names by status, or nothing; `away` it cannot be read."""

    def __init__(self) -> None:
        self.has: EventKind | None = None
        self.away = False
        self.asked: list[tuple[str, str]] = []

    def find(self, to: str, holds: str, since: datetime) -> ProviderEvent | None:
        self.asked.append((to, holds))
        if self.away:
            raise UnavailableError("the list cannot be read")
        return (
            ProviderEvent("texts", f"{SID}:{self.has}", self.has, since, provider_message_id=SID)
            if self.has
            else None
        )


class Settling:
    """A world with what settles its unknown messages."""

    def __init__(self, world: World, *, resend: bool = False) -> None:
        self.world = world
        self.lookup = FakeLookup()
        self.settle = self.settler({"texts": self.lookup}, resend=resend)

    def settler(self, lookups: Any, *, resend: bool) -> SettleUnknown:
        parts = self.world.parts
        return SettleUnknown(
            store=parts.store,
            lookups=lookups,
            tokens=parts.tokens,
            senders=parts.senders,
            catalogue=parts.catalogue,
            wake_ups=self.world.wake_ups,
            telemetry=self.world.telemetry,
            clock=self.world.clock,
            stops=parts.provider_stops,
            resend_orders=resend,
        )

    def broken(self, channel: Channel = Channel.SMS, **more: Any) -> NotificationView:
        """Send an order update whose call breaks off."""
        provider: Any = self.world.sms if channel is Channel.SMS else self.world.email
        provider.script(Ambiguous("time-out"))
        answer = self.world.order(channels=(channel,), **more)
        self.world.work()
        return answer

    def after(self, pause: timedelta) -> Settlement:
        self.world.clock.advance(pause)
        return self.settle()

    def status(self, answer: NotificationView) -> str:
        return self.world.message(answer, Channel(answer["messages"][0]["channel"]))["status"]

    def wait_it_out(self) -> None:
        """Let the window pass, looking every ten seconds as the scheduler does."""
        end = self.world.clock() + WINDOW + timedelta(seconds=10)
        while self.world.clock() < end:
            self.after(timedelta(minutes=1))


@pytest.fixture
def settling(world: World) -> Settling:
    return Settling(world)


@pytest.fixture
def resending(world: World) -> Settling:
    return Settling(world, resend=True)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (EventKind.PROCESSED, "sent"),
        (EventKind.DELIVERED, "delivered"),
        (EventKind.FAILED, "failed"),
    ],
)
def test_an_sms_that_the_provider_has_is_settled(settling: Settling, kind: EventKind, expected: str) -> None:
    answer = settling.broken()
    settling.lookup.has = kind
    assert settling.after(timedelta(seconds=1)) == Settlement(0, 0, 0)  # its answer may only be late
    assert settling.after(FIRST_LOOK) == Settlement(1, 1, 0)
    view = settling.world.message(answer, Channel.SMS)
    assert (view["status"], view["provider_message_id"], view["provider"]) == (expected, SID, "texts")
    assert [one["type"] for one in view["events"]] == [kind.value]
    ((to, link),) = settling.lookup.asked
    assert to == PHONE
    assert link in settling.world.sms.messages[0].text
    settling.wait_it_out()
    assert len(settling.lookup.asked) == 1


def test_a_list_without_it_is_asked_again_with_growing_pauses(settling: Settling) -> None:
    answer = settling.broken()
    settling.wait_it_out()
    assert 6 <= len(settling.lookup.asked) <= 12
    assert settling.status(answer) == "unknown"
    assert "no report of it has come" in settling.world.message(answer, Channel.SMS)["explanation"]
    settling.after(timedelta(days=1))
    assert len(settling.world.sms.messages) == 1


def test_an_sms_that_turns_up_late_is_settled(settling: Settling) -> None:
    answer = settling.broken()
    settling.after(FIRST_LOOK)
    settling.lookup.has = EventKind.SENT
    settling.wait_it_out()
    assert settling.status(answer) == "sent"


def test_a_number_that_was_changed_since_is_not_asked_for(settling: Settling) -> None:
    settling.broken()
    settling.world.order(profile={"phone": "+221779999999"}, channels=(Channel.EMAIL,))
    settling.after(FIRST_LOOK)
    assert settling.lookup.asked == []


def test_by_default_an_order_update_stays_unknown(settling: Settling) -> None:
    mail, sms = settling.broken(Channel.EMAIL), settling.broken()
    settling.wait_it_out()
    assert [settling.status(mail), settling.status(sms)] == ["unknown", "unknown"]
    assert settling.after(timedelta(hours=1)) == Settlement(0, 0, 0)
    assert (len(settling.world.email.messages), len(settling.world.sms.messages)) == (1, 1)


def test_by_policy_an_order_update_is_sent_again_once(resending: Settling) -> None:
    mail, sms = resending.broken(Channel.EMAIL), resending.broken()
    resending.after(WINDOW - timedelta(minutes=1))
    assert resending.world.work() == 0
    resending.world.wake_ups.rung.clear()
    resending.wait_it_out()
    assert len(resending.world.wake_ups.rung) == 2
    resending.world.sms.script(Ambiguous("time-out"))
    assert resending.world.work() == 2
    assert [resending.status(mail), resending.status(sms)] == ["sent", "unknown"]
    assert len(resending.world.message(mail, Channel.EMAIL)["attempts"]) == 2
    resending.wait_it_out()  # a second call that broke off is the last
    resending.wait_it_out()
    assert resending.world.work() == 0
    assert (len(resending.world.email.messages), len(resending.world.sms.messages)) == (2, 2)
    assert resending.status(sms) == "unknown"


def test_nothing_is_sent_again_while_the_list_cannot_be_read(resending: Settling) -> None:
    resending.broken()
    resending.lookup.away = True
    resending.wait_it_out()
    assert resending.world.work() == 0
    resending.lookup.away = False
    assert resending.after(timedelta(minutes=2)).queued == 1
    assert resending.world.work() == 1


def test_what_was_settled_cancelled_or_expired_is_not_sent_again(resending: Settling) -> None:
    world = resending.world
    settled, cancelled = resending.broken(Channel.EMAIL), resending.broken(Channel.EMAIL)
    expired = resending.broken(Channel.EMAIL, expires_at=world.clock() + timedelta(minutes=20))
    event = ProviderEvent(
        "mail", "e-1", EventKind.DELIVERED, world.clock(), message_ref=settled["messages"][0]["id"]
    )
    with world.parts.store.write() as tx:
        apply_events(tx, world.parts.catalogue, [event], world.clock())
    world.parts.cancel_notification(cancelled["id"])
    resending.wait_it_out()
    assert world.work() == 0
    assert [resending.status(one) for one in (settled, cancelled, expired)] == [
        "delivered", "cancelled", "unknown",
    ]  # fmt: skip


@pytest.mark.parametrize("said", [EventKind.SENT, EventKind.DELIVERED])
def test_word_of_the_first_call_counts_while_the_second_waits_for_morning(
    resending: Settling, said: EventKind
) -> None:
    world = resending.world
    world.clock.at = datetime(2026, 11, 23, 20, 20, tzinfo=UTC)  # in Dakar too; SMS leave until 21:00
    answer = resending.broken()
    resending.wait_it_out()
    world.clock.advance(timedelta(minutes=45))  # more than an hour after its time
    world.work()
    assert resending.status(answer) == "scheduled"
    event = ProviderEvent(
        "twilio", "e-1", said, world.clock(), message_ref=answer["messages"][0]["id"], provider_message_id=SID
    )
    with world.parts.store.write() as tx:
        apply_events(tx, world.parts.catalogue, [event], world.clock())
    world.clock.advance(timedelta(hours=12))
    world.work()
    assert len(world.sms.messages) == 1
    found = world.message(answer, Channel.SMS)
    assert (found["status"], found["reason"]) == (str(said), None)
    assert found["provider_message_id"] == SID


def test_late_news_of_the_first_call_cannot_undo_the_second(resending: Settling) -> None:
    world = resending.world
    answer = world.order(channels=(Channel.EMAIL,))
    claimed = world.begin_call()
    world.clock.advance(timedelta(minutes=1))
    world.reconcile()
    assert resending.status(answer) == "unknown"
    resending.wait_it_out()
    late = Record(claimed, "mail", Fate(Status.FAILED))
    with world.parts.store.write() as tx:
        tx.deliveries.record([late], world.clock())
    assert world.work() == 1
    with world.parts.store.write() as tx:
        tx.deliveries.record([late], world.clock())
    assert resending.status(answer) == "sent"


def test_what_was_settled_meanwhile_is_not_queued(resending: Settling) -> None:
    world = resending.world
    answer = resending.broken(Channel.EMAIL)
    world.clock.advance(WINDOW)
    event = ProviderEvent(
        "mail", "e-1", EventKind.DELIVERED, world.clock(), message_ref=answer["messages"][0]["id"]
    )
    with world.parts.store.write() as tx:
        (doubt,) = tx.doubts.take(world.clock(), 5, world.clock())
        apply_events(tx, world.parts.catalogue, [event], world.clock())
        assert not tx.doubts.send_again(doubt.dispatch_id, world.clock())
    assert resending.status(answer) == "delivered"


def test_two_schedulers_settle_one_thing_once(resending: Settling) -> None:
    resending.broken(Channel.EMAIL)
    other = resending.settler({}, resend=True)
    resending.world.clock.advance(WINDOW)
    assert resending.settle().queued + other().queued == 1


@pytest.fixture
def twilio() -> Iterator[TwilioLoopback]:
    with TwilioLoopback() as server:
        yield server


def test_twilios_list_settles_a_call_whose_answer_was_lost(
    database_url: str, tmp_path: Path, twilio: TwilioLoopback
) -> None:
    reporting = Reporting(database_url, tmp_path, resend_unknown_orders=True)
    world = reporting.world
    world.clock.at = datetime.now(UTC)  # the list tells real times
    provider = TwilioProvider("AC1", "token", twilio.url)
    world.parts.provider_choice = FakeProviders(lambda _channel, _test: provider)
    twilio.script(Fault(reset="after"), Fault(reset="before"))
    taken = world.order(channels=(Channel.SMS,))
    world.work()
    lost = world.order("order_delivered", channels=(Channel.SMS,))
    world.work()
    settle = Settling(world).settler({"twilio": provider}, resend=True)
    world.clock.advance(FIRST_LOOK)
    settle()
    assert world.message(taken, Channel.SMS)["status"] == "sent"
    assert world.message(taken, Channel.SMS)["provider_message_id"] == twilio.messages[0]["sid"]
    assert world.message(lost, Channel.SMS)["status"] == "unknown"
    world.clock.advance(WINDOW)
    settle()
    world.work()
    assert world.message(lost, Channel.SMS)["status"] == "sent"
    assert len(twilio.messages) == 2
    with world.parts.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(Attempt)) == 3
    provider.close()
    world.parts.close()


def test_a_number_that_cannot_be_decrypted_holds_up_no_other_doubt(settling: Settling) -> None:
    settling.broken()
    with settling.world.parts.engine.begin() as connection:
        connection.execute(text("UPDATE recipients SET phone_sealed = :junk"), {"junk": b"\x01junk"})
    settling.world.order(recipient="G", profile={"phone": "+221771234568"}, channels=(Channel.SMS,))
    settling.world.sms.script(Ambiguous("no answer"))
    settling.world.work()
    settling.lookup.has = EventKind.SENT
    assert settling.after(FIRST_LOOK).settled == 1
