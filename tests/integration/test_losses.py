"""What the door does when workers, rows, databases and wake-ups are lost, and when minds change."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from sqlalchemy import text

from notify.domain.catalogue import Channel
from notify.domain.delivery import Record, Settled
from notify.domain.errors import UnavailableError
from notify.domain.outcome import Ambiguous, Outcome, Refused, Transient
from notify.domain.outgoing import OutgoingEmail
from notify.domain.requests import Lane, Routing
from notify.domain.status import Status
from notify.store import Transaction
from notify.usecases.delivery.dispatch_work import Work
from tests.doubles import FakeProvider
from tests.world import CLICK, EMAIL, World


def test_a_claim_whose_worker_was_lost_goes_back_in_the_queue(world: World) -> None:
    answer = world.order(channels=(Channel.EMAIL,))
    lost = world.claim()
    assert world.work() == 0
    world.clock.advance(timedelta(seconds=11))
    found = world.reconcile()
    assert (found.returned, found.unknown, found.woken) == (1, 0, 1)
    with world.parts.store.write() as tx:  # the lost worker comes back, too late
        assert tx.deliveries.at_gate([lost]) == []
    world.work()
    assert world.message(answer, Channel.EMAIL)["status"] == "sent"
    assert len(world.email.messages) == 1


def test_a_call_whose_worker_was_lost_is_unknown(world: World) -> None:
    answer = world.order(channels=(Channel.EMAIL,))
    claimed = world.begin_call()
    world.clock.advance(timedelta(seconds=21))
    assert world.reconcile().unknown == 1
    view = world.message(answer, Channel.EMAIL)
    assert (view["status"], view["attempts"][0]["outcome"]) == ("unknown", "unknown")
    with world.parts.store.write() as tx:
        tx.deliveries.record([Record(claimed)], world.clock())
    assert world.work() == 0


def test_a_worker_that_lost_its_lease_before_the_call_has_no_say(world: World) -> None:
    """It must not start the fallback a second time, nor overwrite what its successor does."""
    answer = world.order(
        "order_out_for_delivery", channels=(Channel.SMS, Channel.EMAIL), routing=Routing.FALLBACK
    )
    stale = world.claim()
    world.clock.advance(timedelta(seconds=11))
    world.reconcile()
    world.sms.script(Refused("21610"))
    world.work()
    stale_work = Record(stale, settled=[Settled(stale.letters[0].message_id, Status.EXPIRED)])
    with world.parts.store.write() as tx:
        assert tx.deliveries.record([stale_work], world.clock()) == set()
    messages = world.parts.lookups.notification(answer["id"])["messages"]
    assert [(one["channel"], one["status"]) for one in messages] == [("sms", "failed"), ("email", "sent")]


def test_a_call_that_outlived_its_lease_still_tells_what_came_of_it(world: World) -> None:
    answer = world.order(channels=(Channel.EMAIL,))

    class Slow(FakeProvider[OutgoingEmail]):
        def send(self, batch: Sequence[OutgoingEmail]) -> Sequence[Outcome]:
            world.clock.advance(timedelta(seconds=25))
            assert world.reconcile().unknown == 1
            return super().send(batch)

    world.email = Slow(Transient("connection refused"), name="mail")
    world.work()
    assert world.message(answer, Channel.EMAIL)["status"] == "sending"
    world.email = FakeProvider(name="mail")
    world.clock.advance(timedelta(seconds=10))
    world.work()
    view = world.message(answer, Channel.EMAIL)
    assert view["status"] == "sent"
    assert [one["outcome"] for one in view["attempts"]] == ["unknown", "transient", "accepted"]


def test_a_cancelled_notification_gets_no_fallback(world: World) -> None:
    answer = world.order(channels=(Channel.EMAIL, Channel.SMS), routing=Routing.FALLBACK)

    class CancelsMeanwhile(FakeProvider[OutgoingEmail]):
        def send(self, batch: Sequence[OutgoingEmail]) -> Sequence[Outcome]:
            world.parts.cancel_notification(answer["id"])
            return super().send(batch)

    world.email = CancelsMeanwhile(Refused("no such mailbox"), name="mail")
    world.work()
    assert len(world.parts.lookups.notification(answer["id"])["messages"]) == 1
    assert world.sms.messages == []


@pytest.mark.parametrize("seconds", [0, 25])
def test_what_was_cancelled_in_mid_call_is_not_tried_again(world: World, seconds: int) -> None:
    answer = world.order(channels=(Channel.EMAIL,))

    class CancelsMeanwhile(FakeProvider[OutgoingEmail]):
        def send(self, batch: Sequence[OutgoingEmail]) -> Sequence[Outcome]:
            world.parts.cancel_notification(answer["id"])
            world.clock.advance(timedelta(seconds=seconds))
            world.reconcile()
            return super().send(batch)

    world.email = CancelsMeanwhile(Transient("busy"), name="mail")
    world.work()
    world.clock.advance(timedelta(minutes=5))
    world.work()
    assert world.message(answer, Channel.EMAIL)["status"] == "cancelled"
    assert len(world.email.messages) == 1


def test_what_cannot_be_decrypted_expires_like_the_rest(world: World) -> None:
    answer = world.order("order_out_for_delivery", channels=(Channel.EMAIL,))
    with world.parts.engine.begin() as connection:
        connection.execute(text("UPDATE notifications SET data_sealed = :junk"), {"junk": b"\x01junk"})
    world.clock.advance(timedelta(hours=13))
    world.work()
    assert world.message(answer, Channel.EMAIL)["status"] == "expired"


def test_a_row_that_cannot_be_decrypted_does_not_stop_its_lane(world: World) -> None:
    broken = world.order(reference="broken", channels=(Channel.EMAIL,))
    with world.parts.engine.begin() as connection:
        connection.execute(text("UPDATE notifications SET data_sealed = :junk"), {"junk": b"\x01junk"})
    good = world.order(reference="good", channels=(Channel.EMAIL,))
    world.work()
    assert world.message(good, Channel.EMAIL)["status"] == "sent"
    assert world.message(broken, Channel.EMAIL)["status"] == "sending"


def _wear_out(world: World, times: int = 21) -> None:
    for _ in range(times):
        world.claim()
        world.clock.advance(timedelta(seconds=11))
        world.reconcile()


def test_a_dispatch_that_kills_its_workers_ends(world: World) -> None:
    answer = world.order("order_refunded", channels=(Channel.EMAIL,))
    _wear_out(world)
    view = world.message(answer, Channel.EMAIL)
    assert view["status"] == "failed"
    assert world.work() == 0


def test_what_is_given_up_turns_to_the_next_channel(world: World) -> None:
    answer = world.order("order_refunded", channels=(Channel.SMS, Channel.EMAIL), routing=Routing.FALLBACK)
    world.wake_ups.rung.clear()
    _wear_out(world)
    assert world.wake_ups.rung[-1][0] is Lane.URGENT
    world.work()
    assert world.message(answer, Channel.SMS)["status"] == "failed"
    assert world.message(answer, Channel.EMAIL)["status"] == "sent"
    assert len(world.email.messages) == 1


def test_what_is_given_up_after_it_was_cancelled_does_not(world: World) -> None:
    answer = world.order("order_refunded", channels=(Channel.SMS, Channel.EMAIL), routing=Routing.FALLBACK)
    world.claim()
    world.parts.cancel_notification(answer["id"])
    world.clock.advance(timedelta(seconds=11))
    world.reconcile()
    _wear_out(world, 20)
    assert world.work() == 0
    found = world.parts.lookups.notification(answer["id"])
    assert [(one["channel"], one["status"]) for one in found["messages"]] == [("sms", "cancelled")]


def test_a_gate_that_drops_everybody_is_no_call(world: World) -> None:
    answer = world.order(channels=(Channel.EMAIL,))
    pass_through = world.gate.pass_through

    def cancelled_before(works: Sequence[Work]) -> None:
        world.parts.cancel_notification(answer["id"])
        pass_through(works)

    world.gate.pass_through = cancelled_before  # type: ignore[method-assign]
    assert world.deliver(Lane.URGENT) == 1
    assert world.email.batches == []
    assert world.message(answer, Channel.EMAIL)["status"] == "cancelled"
    world.clock.advance(timedelta(minutes=5))
    assert world.reconcile().unknown == 0


def test_a_link_of_a_message_whose_worker_died_stops_the_address_it_went_to(world: World) -> None:
    world.order(channels=(Channel.EMAIL,))
    claimed = world.begin_call()
    mail = world.parts.composer.emails(claimed.letters[0])(claimed.letters[0])
    world.order(profile={"email": "awa@example.org"}, channels=(Channel.SMS,))
    token = mail.headers["List-Unsubscribe"].split("/u/")[1].rstrip(">")
    world.parts.unsubscribe(token, CLICK, "fr")
    guest = world.order(recipient="guest", profile={"email": EMAIL}, channels=(Channel.EMAIL,))
    assert guest["messages"][0]["reason"] == "unsubscribed"


def test_a_database_that_is_away_for_a_moment_does_not_lose_the_answer(world: World) -> None:
    answer = world.order(channels=(Channel.EMAIL,))
    store = world.parts.store
    failures = [UnavailableError("away"), UnavailableError("away")]

    class Flickers:
        def write(self) -> AbstractContextManager[Transaction]:
            if world.email.messages and failures:
                raise failures.pop()
            return store.write()

    world.deliver._store = Flickers()  # type: ignore[assignment]  # noqa: SLF001
    world.deliver(Lane.URGENT)
    assert world.message(answer, Channel.EMAIL)["status"] == "sent"
    assert failures == []


def test_reconcile_rings_lanes_whose_wake_up_was_lost(world: World) -> None:
    world.wake_ups.reachable = False
    world.order()
    world.wake_ups.reachable = True
    assert world.reconcile().woken == 1
    assert world.wake_ups.rung == [(Lane.URGENT, [])]


def test_a_message_that_cannot_be_rendered_fails_alone(world: World) -> None:
    answer = world.order(channels=(Channel.EMAIL,))
    compose = world.deliver._composer  # noqa: SLF001 - the moment of rendering

    class CannotWrite:
        sender = staticmethod(compose.sender)

        def emails(self, first: object) -> object:
            raise ValueError("odd")

    world.deliver._composer = CannotWrite()  # type: ignore[assignment]  # noqa: SLF001
    world.work()
    assert world.message(answer, Channel.EMAIL)["status"] == "failed"


def test_a_record_that_is_repeated_counts_no_second_call(world: World) -> None:
    """As when the answer to its commit was lost."""
    world.email.script(Ambiguous("no answer in time"))
    answer = world.order(channels=(Channel.EMAIL,))
    prepared = world.deliver.prepare(Lane.URGENT, 1)
    world.deliver.send(prepared.works[0])
    world.deliver.record(prepared.works)
    world.deliver.record(prepared.works)
    view = world.message(answer, Channel.EMAIL)
    assert (view["status"], len(view["attempts"])) == ("unknown", 1)
