"""What waits for an erasure finds the person gone, and leaves nothing of them behind (PostgreSQL)."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select, text

from notify.domain import ids
from notify.domain.catalogue import Channel
from notify.domain.consent import Scope
from notify.domain.errors import NotFoundError
from notify.domain.ledger import STOP
from notify.domain.outbound import ADDRESS_DISPUTED, PREFERENCE_CHANGED, OutboundEvent
from notify.domain.requests import Choice, Proof
from notify.domain.suppressions import PAUSE
from notify.storage.consent_tables import AddressOptOut, ConsentRecord, Preference, Suppression, UndoToken
from notify.storage.outbound_tables import WebhookDelivery, WebhookEvent
from notify.store import Transaction
from notify.store.webhooks import Replay
from notify.usecases.preferences.recording_choices import Occasion
from tests.webhook_shop import Telling
from tests.world import CLICK, PHONE, World, settings_for

_WAITING = text("SELECT count(*) FROM pg_locks WHERE locktype = :kind AND NOT granted")


@pytest.fixture
def world(postgres_url: str, tmp_path: Path) -> Iterator[World]:
    world = World(settings_for(postgres_url, tmp_path))
    world.order()
    world.work()
    yield world
    world.parts.close()


def while_erasing(world: World, act: Callable[[], object]) -> object:
    """Let `act` wait for an erasure; return what it returned or raised."""

    def tried() -> object:
        try:
            return act()
        except NotFoundError as error:
            return error

    with ThreadPoolExecutor(1) as pool:
        with world.parts.store.write() as tx:
            person = tx.recipients.by_external_id("C-1042")
            assert person
            tx.consents.lock_out_gates([person.id], person.hashes.values())
            acting = pool.submit(tried)
            until(lambda: waiting(world, "advisory"))
            world.parts.erase_recipient.erase(tx, person, world.clock())
        return acting.result(10)


def left_behind(world: World) -> tuple[int, int]:
    """Count entries of the ledger, and preferences."""
    with world.parts.engine.connect() as connection:
        entries = connection.execute(select(ConsentRecord.id)).all()
        return len(entries), len(connection.execute(select(Preference.topic)).all())


def test_an_erasure_and_a_pause_that_moves_take_their_rows_in_one_order(world: World) -> None:
    now = world.clock()

    def pause(tx: Transaction, channel: Channel, value: bytes) -> None:
        day = now + timedelta(days=7)
        tx.suppressions.bar(
            channel, value, Scope.MARKETING, reason=PAUSE, masked="x", now=now, until=day, paused_by=None
        )

    with world.parts.store.write() as tx:
        person = tx.recipients.by_external_id("C-1042")
        assert person
        for channel in (Channel.SMS, Channel.EMAIL):  # as they lie in the table
            pause(tx, channel, person.hashes[channel])
    with ThreadPoolExecutor(1) as pool:
        with world.parts.store.write() as tx:
            pause(tx, Channel.EMAIL, person.hashes[Channel.EMAIL])
            erasing = pool.submit(world.parts.erase_recipient, "C-1042")
            until(lambda: waiting(world, "transactionid"))
            pause(tx, Channel.SMS, person.hashes[Channel.SMS])
        erasing.result(10)
    with world.parts.engine.connect() as connection:
        assert set(connection.scalars(select(Suppression.masked_sealed))) == {None}


def test_a_patch_is_refused_whole(world: World) -> None:
    proof = Proof("form", "Awa said yes", "203.0.113.9")
    choice = Choice("surveys", Channel.EMAIL, subscribed=True)
    done = while_erasing(world, lambda: world.parts.change_preferences("C-1042", [choice], proof))
    assert isinstance(done, NotFoundError)
    assert left_behind(world) == (0, 0)


def test_a_stop_bars_the_number_and_tells_of_nobody(world: World) -> None:
    def stop() -> None:
        with world.parts.store.write() as tx:
            value = tx.suppressions.hash_of(Channel.SMS, PHONE)
            people = world.parts.sms_stops.hold(tx, value)
            occasion = Occasion(world.clock(), STOP, Proof("sms"), "fr")
            world.parts.sms_stops.stop(tx, value, people, Scope.ALL, occasion, phone=PHONE)

    assert while_erasing(world, stop) is None
    assert left_behind(world) == (0, 0)


@pytest.mark.parametrize("whole_channel", [False, True])
def test_an_opt_out_cannot_be_undone(world: World, whole_channel: bool) -> None:  # noqa: FBT001 - a parameter
    token, unsubscribe = world.opt_out_token(Channel.EMAIL), world.parts.unsubscribe
    done = while_erasing(world, lambda: unsubscribe(token, CLICK, "fr", whole_channel=whole_channel))
    assert getattr(done, "undo", "?") is None
    with world.parts.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(UndoToken)) == 0
        assert connection.scalar(select(func.count()).select_from(AddressOptOut))


def test_what_is_replayed_while_somebody_is_erased_goes_with_them(world: World) -> None:
    telling, began = Telling(world), world.clock()
    telling.desk.create("http://127.0.0.1:9/first", [ADDRESS_DISPUTED], None, None)
    disputed = OutboundEvent(ADDRESS_DISPUTED, began, {"recipient_id": "C-1042", "channel": "sms"})
    with world.parts.store.write() as tx:
        tx.outbound.add([disputed], began)
    second = telling.desk.create("http://127.0.0.1:9/second", [ADDRESS_DISPUTED], None, None)
    number = ids.number_of(ids.WEBHOOK_ENDPOINT, second["id"])
    world.clock.advance(timedelta(seconds=1))
    with ThreadPoolExecutor(1) as pool:
        with world.parts.store.write() as tx:
            assert tx.webhook_deliveries.replay(number, second["events"], Replay(began), world.clock()) == 1
            erasing = pool.submit(world.parts.erase_recipient, "C-1042")
            until(lambda: waiting(world, "transactionid"))
        erasing.result(10)
    with world.parts.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(WebhookDelivery)) == 0


def test_a_change_is_not_told_of_who_is_erased_meanwhile(world: World) -> None:
    Telling(world).desk.create("http://127.0.0.1:9/hook", [PREFERENCE_CHANGED], None, None)
    world.parts.unsubscribe(world.opt_out_token(Channel.EMAIL), CLICK, "fr")
    world.parts.seal_ledger()
    with ThreadPoolExecutor(1) as pool:
        with world.parts.store.write() as tx:
            person = tx.recipients.by_external_id("C-1042", lock=True)
            assert person
            world.parts.erase_recipient.erase(tx, person, world.clock())
            following = pool.submit(world.parts.follow_ledger)
            until(lambda: following.done() or waiting(world, "transactionid"))
        assert following.result(10)
    assert events_left(world) == 0


def test_what_is_added_while_somebody_is_erased_goes_with_them(world: World) -> None:
    Telling(world).desk.create("http://127.0.0.1:9/hook", [ADDRESS_DISPUTED], None, None)
    disputed = OutboundEvent(ADDRESS_DISPUTED, world.clock(), {"recipient_id": "C-1042", "channel": "sms"})
    added: list[int] = []

    def add(*call: Any) -> None:
        if call[2].startswith("DELETE FROM webhook_deliveries") and not added:
            with world.parts.store.write() as tx:
                added.append(tx.outbound.add([disputed], world.clock()))

    with world.parts.store.write() as tx:
        tx.outbound.add([disputed], world.clock())
    event.listen(world.parts.engine, "before_cursor_execute", add)
    world.parts.erase_recipient("C-1042")
    assert added == [1]
    assert events_left(world) == 0


def events_left(world: World) -> int:
    """Count what is to be told, and has been."""
    with world.parts.engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(WebhookEvent)) or 0


def waiting(world: World, kind: str) -> bool:
    """Whether somebody waits for a lock of that kind."""
    with world.parts.engine.connect() as connection:
        return bool(connection.scalar(_WAITING, {"kind": kind}))


def until(happened: Callable[[], bool]) -> None:
    """Wait until something is so, ten seconds at most."""
    over = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < over
        time.sleep(0.01)
