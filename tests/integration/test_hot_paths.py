"""The short ways of the hot paths keep what the long ones promise: once, whole, and never a 500."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from notify.domain.catalogue import Channel
from notify.domain.errors import IdempotencyInProgressError, UnavailableError
from notify.domain.requests import Idempotency, Lane, NotificationRequest, Proof, RecipientInput
from notify.domain.token_claims import OptOutClaim
from notify.storage.engine import transaction
from tests.world import World, settings_for

CLICK = Proof("one_click", None, ip="192.0.2.7", user_agent="Mail")
THREADS = 6


@pytest.fixture
def on_postgres(postgres_url: str, tmp_path: Path) -> Iterator[World]:
    found = World(settings_for(postgres_url, tmp_path / "data"))
    yield found
    found.parts.close()


def rows(world: World, query: str) -> list[Any]:
    with world.parts.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def link(world: World) -> str:
    """Return the token of a message that waits: an order of a person who has chosen nothing yet."""
    world.order(channels=(Channel.EMAIL,))
    ((message, person, topic),) = rows(world, "SELECT id, recipient_id, topic FROM messages")
    return world.parts.tokens.opt_out(OptOutClaim(person, topic, Channel.EMAIL, message))


def test_a_button_pressed_by_many_programs_at_once_is_one_entry_of_the_ledger(world: World) -> None:
    token, together = link(world), Barrier(THREADS)

    def press(_: int) -> bool:
        together.wait()
        done = world.parts.unsubscribe(token, CLICK, None)
        return done.undo is not None and done.view.address == "a•••@example.com"

    with ThreadPoolExecutor(THREADS) as pool:
        assert all(pool.map(press, range(THREADS)))
    assert rows(world, "SELECT count(*) FROM consent_records") == [(1,)]
    assert rows(world, "SELECT count(*) FROM consent_proofs") == [(1,)]
    assert rows(world, "SELECT subscribed FROM preferences") == [(False,)]


def test_an_opt_out_that_was_overtaken_while_it_waited_looks_again(on_postgres: World) -> None:
    world = on_postgres
    token = link(world)
    ((person,),) = rows(world, "SELECT id FROM recipients")
    with ThreadPoolExecutor(1) as pool:
        with world.parts.store.write() as gate:
            gate.consents.lock_in_gate([person], [])
            stopping = pool.submit(world.parts.unsubscribe, token, CLICK, None)
            waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            deadline = time.monotonic() + 20
            while rows(world, waiting) == [(0,)] and time.monotonic() < deadline:
                time.sleep(0.01)
            with world.parts.engine.begin() as other:  # someone opts in at this moment
                other.execute(
                    text("INSERT INTO preferences VALUES (:person, 1, 'email', TRUE, now(), 4711)"),
                    {"person": person},
                )
        assert stopping.result(20).undo
    assert rows(world, "SELECT subscribed FROM preferences") == [(False,)]
    assert rows(world, "SELECT count(*) FROM consent_records") == [(1,)]
    ((changes,),) = rows(world, "SELECT changes FROM undo_tokens")
    assert [change["before"] for change in changes] == [True]  # what the undo brings back


def test_an_answer_that_another_request_saved_meanwhile_undoes_this_one(on_postgres: World) -> None:
    store, now = on_postgres.parts.store, on_postgres.clock()
    with store.write() as tx:
        assert tx.notifications.begin_idempotent("k-1", b"body", now) is None
        with on_postgres.parts.engine.begin() as other:
            key = on_postgres.parts.vault.hash("idempotency.key", "k-1")
            insert = "INSERT INTO idempotency_keys VALUES (:key, :key, '[]', now())"
            other.execute(text(insert), {"key": key})
        with pytest.raises(IdempotencyInProgressError):
            tx.notifications.save_results("k-1", [1])


def test_a_batch_begins_anew_where_somebody_was_made_meanwhile(on_postgres: World) -> None:
    """Nobody waits for a newcomer while holding others: who has the newcomer may wait for one of those."""
    world = on_postgres
    orders = [
        NotificationRequest("order_delivered", RecipientInput(one, {"locale": "fr"}), {"order_number": "1"})
        for one in ("C-1", "C-2")
    ]
    key = Idempotency("k-1", b"body")
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    with ThreadPoolExecutor(1) as pool:
        with world.parts.store.write() as tx:
            tx.recipients.upsert({"C-2": ({"name": "Awa"}, None)}, world.clock())
            posting = pool.submit(world.accept, orders, lane=Lane.NORMAL, idempotency=key)
            deadline = time.monotonic() + 20
            while rows(world, waiting) == [(0,)] and time.monotonic() < deadline:
                time.sleep(0.01)
        accepted = posting.result(20)
    found = world.parts.lookups.recipient("C-2")
    assert (found["name"], found["locale"]) == ("Awa", "fr")
    assert world.accept(orders, lane=Lane.NORMAL, idempotency=key) == accepted
    # The first try gave C-1 number 2, and let go of it.
    assert rows(world, "SELECT id FROM recipients ORDER BY external_id") == [(4,), (1,)]


def test_what_kept_the_database_from_answering_is_named(on_postgres: World) -> None:
    on_postgres.order()

    def lock_too() -> None:
        with transaction(on_postgres.parts.engine, write=True) as other:
            other.execute(text("SET LOCAL lock_timeout = '10ms'"))
            other.execute(text("SELECT * FROM recipients FOR UPDATE"))

    with on_postgres.parts.store.write() as tx:
        assert tx.recipients.by_external_id("C-1042", lock=True)
        with pytest.raises(UnavailableError, match="LockNotAvailable"):
            lock_too()


def test_connections_that_broke_never_break_a_request(on_postgres: World) -> None:
    world = on_postgres
    world.order()
    admin = world.parts.settings.database_url.replace("+psycopg", "")
    kill = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    for _ in range(3):
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(kill)
        answers: list[str | None] = []
        for number in range(4):
            try:
                answers.append(world.order(reference=f"order-{number}")["status"])
            except UnavailableError:  # answered 503, with Retry-After
                answers.append(None)
        assert answers[-1] == "queued"
        assert answers.count(None) <= 2
