"""A campaign reaches an address once, also when addresses change hands between pump and gate."""

import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from notify.domain.catalogue import Channel
from notify.domain.delivery import Correction
from notify.domain.requests import Lane
from tests.campaigns import Newsroom
from tests.world import World, settings_for

_WAITING = text("SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted")


@pytest.fixture
def news(world: World) -> Newsroom:
    """Give a newsroom with three readers, once on each engine."""
    found = Newsroom(world)
    for name in "ABC":
        found.reader(name)
    return found


def reached(world: World) -> list[str]:
    return sorted(one.to[0] for one in world.email.messages)


def test_who_moves_to_an_address_that_is_reached_already_is_skipped(world: World, news: Newsroom) -> None:
    campaign = news.send()
    news.pump()
    news.stranger("A", email="b@example.com")
    news.finish()
    assert reached(world) == ["b", "c"]
    assert news.progress(campaign) == {"total": 3, "sent": 2, "skipped": 1}
    (skipped,) = world.parts.lookups.messages(campaign_id=campaign, status="skipped")["items"]
    assert (skipped["recipient_id"], skipped["reason"]) == ("A", "duplicate_address")


def test_two_who_exchange_addresses_are_both_reached(world: World, news: Newsroom) -> None:
    campaign = news.send()
    news.pump()
    news.stranger("A", email="b@example.com")
    news.stranger("B", email="a@example.com")
    news.finish()
    assert reached(world) == ["a", "b", "c"]
    assert news.progress(campaign) == {"total": 3, "sent": 3}


def test_they_may_be_in_different_batches(world: World, news: Newsroom) -> None:
    single = Newsroom(world, largest_slice=1)
    campaign = single.send()
    single.pump()
    news.stranger("A", email="b@example.com")
    news.stranger("B", email="a@example.com")
    while world.deliver(Lane.BULK):
        pass
    assert reached(world) == ["a", "b", "c"]
    assert single.progress(campaign) == {"total": 3, "sent": 3}


def test_two_who_move_to_one_new_address_get_one(world: World, news: Newsroom) -> None:
    campaign = news.send()
    news.pump()
    news.stranger("A", email="x@example.com")
    news.stranger("B", email="x@example.com")
    news.finish()
    assert reached(world) == ["c", "x"]
    assert news.progress(campaign) == {"total": 3, "sent": 2, "skipped": 1}


def test_an_address_whose_message_has_left_stays_reached(world: World, news: Newsroom) -> None:
    single = Newsroom(world, largest_slice=1)
    campaign = single.send()
    single.pump()
    assert world.deliver(Lane.BULK) == 1
    (first,) = reached(world)
    later = "C" if first != "c" else "A"
    news.stranger(first.upper(), email="elsewhere@example.com")
    news.stranger(later, email=f"{first}@example.com")
    single.finish()
    assert reached(world).count(first) == 1
    assert single.progress(campaign) == {"total": 3, "sent": 2, "skipped": 1}


def test_nor_do_two_in_different_calls_of_one_gate(world: World, news: Newsroom) -> None:
    single = Newsroom(world, largest_slice=1)
    campaign = single.send()
    single.pump()
    news.stranger("A", email="x@example.com")
    news.stranger("B", email="x@example.com")
    assert world.deliver(Lane.BULK, 64) == 3
    assert reached(world) == ["c", "x"]
    assert single.progress(campaign) == {"total": 3, "sent": 2, "skipped": 1}


def test_who_moves_to_an_address_that_is_at_another_gate_waits_for_what_comes_of_it(
    postgres_url: str, tmp_path: Path
) -> None:
    world = World(settings_for(postgres_url, tmp_path))
    news = Newsroom(world, largest_slice=1)
    for name in "AB":
        news.reader(name)
    campaign = news.send()
    news.pump()
    now = world.clock()
    with world.parts.store.write() as tx:
        (first,) = tx.deliveries.claim(Lane.BULK, list(Channel), 1, now, now + timedelta(seconds=10))
    with world.parts.store.write() as gate:
        assert gate.deliveries.at_gate([first])  # A's message, to their old address
        news.stranger("A", email="b@example.com")
        news.stranger("B", email="a@example.com")
        assert world.deliver(Lane.BULK) == 1  # B's: to that address, too
        assert reached(world) == []
        gate.deliveries.start_calls({first.dispatch_id: "mail"}, now, now + timedelta(seconds=20), [])
    world.clock.advance(timedelta(seconds=1))
    assert world.deliver(Lane.BULK) == 1
    assert reached(world) == []
    (skipped,) = world.parts.lookups.messages(campaign_id=campaign, status="skipped")["items"]
    assert (skipped["recipient_id"], skipped["reason"]) == ("B", "duplicate_address")


def test_of_two_gates_that_bring_a_campaign_to_one_new_address_the_second_lets_it_be(
    postgres_url: str, tmp_path: Path
) -> None:
    world = World(settings_for(postgres_url, tmp_path))
    news = Newsroom(world, largest_slice=1)
    for name in "AB":
        news.reader(name)
    campaign = news.send()
    news.pump()
    for name in "AB":
        news.stranger(name, email="x@example.com")
    now, counts = world.clock(), []
    with world.parts.store.write() as tx:
        (first,) = tx.deliveries.claim(Lane.BULK, list(Channel), 1, now, now + timedelta(seconds=10))
    second = threading.Thread(target=lambda: counts.append(world.deliver(Lane.BULK)))
    with world.parts.store.write() as gate:
        ((message,),) = [alike.messages for alike in gate.deliveries.at_gate([first])]
        new = gate.suppressions.hash_of(Channel.EMAIL, "x@example.com")
        moved = Correction(message[0], new, True, "explicit", None)
        gate.deliveries.start_calls({first.dispatch_id: "mail"}, now, now + timedelta(seconds=20), [moved])
        second.start()
        with world.parts.engine.connect() as connection:
            while second.is_alive() and not connection.scalar(_WAITING):
                time.sleep(0.01)
    second.join()
    assert counts == [1]
    assert reached(world) == []
    (skipped,) = world.parts.lookups.messages(campaign_id=campaign, status="skipped")["items"]
    assert (skipped["recipient_id"], skipped["reason"]) == ("B", "duplicate_address")
