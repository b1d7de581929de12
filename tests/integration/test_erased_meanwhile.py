"""What waits for an erasure finds the person gone, and leaves nothing of them behind (PostgreSQL)."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select, text

from notify.domain.catalogue import Channel
from notify.domain.consent import Scope
from notify.domain.errors import NotFoundError
from notify.domain.ledger import STOP
from notify.domain.requests import Choice, Proof
from notify.storage.consent_tables import ConsentRecord, Preference
from notify.usecases.preferences.recording_choices import Occasion
from tests.world import CLICK, PHONE, World, settings_for

_WAITING = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")


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

    def waits() -> bool:
        with world.parts.engine.connect() as connection:
            return bool(connection.scalar(_WAITING))

    with ThreadPoolExecutor(1) as pool:
        with world.parts.store.write() as tx:
            person = tx.recipients.by_external_id("C-1042")
            assert person
            tx.consents.lock_out_gates([person.id], person.hashes.values())
            waiting = pool.submit(tried)
            while not waits():
                assert not waiting.done()
                time.sleep(0.01)
            world.parts.erase_recipient.erase(tx, person, world.clock())
        return waiting.result(10)


def left_behind(world: World) -> tuple[int, int]:
    """Count entries of the ledger, and preferences."""
    with world.parts.engine.connect() as connection:
        entries = connection.execute(select(ConsentRecord.id)).all()
        return len(entries), len(connection.execute(select(Preference.topic)).all())


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


def test_an_opt_out_of_a_whole_channel_cannot_be_undone(world: World) -> None:
    token = world.opt_out_token(Channel.EMAIL)
    done = while_erasing(world, lambda: world.parts.unsubscribe(token, CLICK, "fr", whole_channel=True))
    assert getattr(done, "undo", "?") is None
