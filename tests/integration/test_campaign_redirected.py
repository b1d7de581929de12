"""A message that is redirected while the next slice of its campaign is made (PostgreSQL)."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import select, text, update

from notify.domain.catalogue import Channel
from notify.storage.engine import transaction
from notify.storage.tables import Message
from tests.campaigns import Newsroom
from tests.world import World, settings_for

_WAITING = text("SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted")


def test_an_address_that_gets_it_meanwhile_gets_it_once_and_holds_up_nobody(
    postgres_url: str, tmp_path: Path
) -> None:
    world = World(settings_for(postgres_url, tmp_path))
    news = Newsroom(world, largest_slice=1)
    for name in ("A", "B", "C"):
        news.reader(name)
    campaign = news.send()
    news.run()  # it starts
    news.run()  # A's is made
    with world.parts.store.read() as tx:
        theirs = tx.suppressions.hash_of(Channel.EMAIL, "b@example.com")
    with ThreadPoolExecutor(1) as pool:
        with transaction(world.parts.engine, write=True) as connection:
            connection.execute(update(Message).values(address_hash=theirs))
            running = pool.submit(news.run)
            until_somebody_waits(world)
        assert running.result(10) == 1
    news.pump()
    with world.parts.engine.connect() as connection:
        made = connection.execute(select(Message.recipient_id, Message.reason).order_by(Message.id)).all()
    assert [tuple(one) for one in made] == [(1, None), (2, "duplicate_address"), (3, None)]
    assert news.progress(campaign)["total"] == 3
    world.parts.close()


def until_somebody_waits(world: World) -> None:
    deadline = time.monotonic() + 10
    with world.parts.engine.connect() as connection:
        while not connection.scalar(_WAITING):
            connection.rollback()
            assert time.monotonic() < deadline
            time.sleep(0.01)
