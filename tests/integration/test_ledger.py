"""The chain over the ledger, and the feed of those who follow it."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DatabaseError

from notify.cli.ledger_checks import check_ledger, ledger_lines
from notify.domain.catalogue import Channel
from notify.domain.ledger import LedgerEntry, SealedEntry
from notify.store import Transaction
from notify.usecases.ledger.follow import FollowLedger
from notify.usecases.ledger.seal import SealLedger
from tests.world import World, settings_for


@pytest.fixture
def postgres_world(postgres_url: str, tmp_path: Path) -> Iterator[World]:
    """Give the use cases on PostgreSQL alone."""
    found = World(settings_for(postgres_url, tmp_path / "data"))
    yield found
    found.parts.close()


def entry(world: World, recipient: int = 1, *, subscribed: bool = True) -> LedgerEntry:
    return LedgerEntry(recipient, world.clock(), subscribed, "shop", 2, Channel.EMAIL)


def append(world: World, count: int = 1) -> list[int]:
    with world.parts.store.write() as tx:
        return tx.consents.append([entry(world, number + 1) for number in range(count)])


def seal(world: World) -> int:
    return SealLedger(world.parts.store, world.clock, pause=lambda _: None)()


class Notes:
    """A follower that notes the numbers it was given, and fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.numbers: list[int] = []
        self.failures = failures

    def __call__(self, tx: Transaction, entries: Sequence[SealedEntry], now: datetime) -> None:
        if self.failures:
            self.failures -= 1
            raise ZeroDivisionError
        self.numbers += [one.number for one in entries]


def test_entries_are_sealed_once_and_in_order(world: World) -> None:
    numbers = append(world, 60) + append(world)
    assert seal(world) == 61
    assert seal(world) == 0
    numbers += append(world, 3)
    assert seal(world) == 3
    with world.parts.store.read() as tx:
        changes, upto = tx.ledger.changes_after(0, 100)
        assert ([one.number for one in changes], upto) == (numbers, numbers[-1])
        changes, upto = tx.ledger.changes_after(numbers[-3], 1)
        assert ([one.number for one in changes], upto) == (numbers[-2:-1], numbers[-2])


def test_followers_are_told_of_changes_only_and_pass_over_acceptances(world: World) -> None:
    notes = Notes()
    follow = FollowLedger(world.parts.store, {"notes": notes}, world.clock)
    (first,) = append(world)
    with world.parts.store.write() as tx:
        accepted = LedgerEntry(1, world.clock(), subscribed=True, way="shop", policy_version="2026-01")
        (last,) = tx.consents.append([accepted])
    seal(world)
    follow()
    assert notes.numbers == [first]
    with world.parts.store.read() as tx:
        assert tx.ledger.behind(["notes"]) == []
        assert tx.ledger.changes_after(first, 9) == ([], last)


def test_followers_get_each_sealed_entry_in_order_and_a_failing_one_holds_up_no_other(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    sound, failing = Notes(), Notes(failures=1)
    follow = FollowLedger(world.parts.store, {"failing": failing, "sound": sound}, world.clock)
    numbers = append(world, 600)
    assert follow() == 0  # nothing is final before it is sealed
    seal(world)
    assert follow() == 600
    assert (sound.numbers, failing.numbers) == (numbers, [])
    assert "follower of the ledger failed" in caplog.text
    assert follow() == 600
    assert follow() == 0
    assert (sound.numbers, failing.numbers) == (numbers, numbers)


def test_what_is_committed_late_is_sealed_in_its_place(postgres_world: World) -> None:
    """A transaction took its number first, and is committed after later ones were."""
    world = postgres_world
    sealing = SealLedger(world.parts.store, world.clock, pause=lambda _: None)
    with world.parts.store.write() as slow:
        (early,) = slow.consents.append([entry(world, 7)])
        late = append(world, 2)
        assert sealing() == 0
    following = append(world)
    assert sealing() == 3
    assert seal(world) == 1
    with world.parts.store.read() as tx:
        changes, _ = tx.ledger.changes_after(0, 9)
        assert [one.number for one in changes] == [early, *late, *following]


def test_where_somebody_always_writes_sealing_goes_on(postgres_world: World) -> None:
    world = postgres_world
    sealing = SealLedger(world.parts.store, world.clock, pause=lambda _: None)
    with ExitStack() as later:
        with world.parts.store.write() as first:
            first.consents.append([entry(world)])
            assert sealing() == 0
            second = later.enter_context(world.parts.store.write())
            second.consents.append([entry(world)])
        assert sealing() == 1
        assert sealing() == 0
    assert sealing() == 1


def test_numbers_that_were_taken_ahead_of_their_rows_are_waited_for(postgres_world: World) -> None:
    """COPY takes them first; sealing at that moment must not go past them."""
    world, sealed = postgres_world, []
    append(world)

    def look(_connection: object, _cursor: object, statement: str, *_more: Any) -> None:
        if "nextval" in statement:
            sealed.append(seal(world))

    event.listen(world.parts.engine, "after_cursor_execute", look)
    append(world, 60)
    assert sealed == [0]
    assert seal(world) == 61


def test_what_was_rolled_back_holds_nobody_up(world: World) -> None:
    with suppress(ZeroDivisionError), world.parts.store.write() as tx:
        tx.consents.append([entry(world)])
        raise ZeroDivisionError
    assert seal(world) == 0
    append(world)
    assert seal(world) == 1


CHANGES = (
    "UPDATE {} SET at = at",
    "DELETE FROM {}",
    "INSERT INTO {} SELECT * FROM {} WHERE true ON CONFLICT (id) DO UPDATE SET at = excluded.at",
)
CHANGES_OF = {"sqlite": "INSERT OR REPLACE INTO {} SELECT * FROM {}", "postgresql": "TRUNCATE {}"}


@pytest.mark.parametrize("table", ["consent_records", "ledger_seals"])
def test_the_database_refuses_to_change_what_is_written(world: World, table: str) -> None:
    append(world)
    seal(world)
    for change in (*CHANGES, CHANGES_OF[world.parts.engine.dialect.name]):
        with (
            pytest.raises(DatabaseError, match=f"{table} is append-only"),
            world.parts.engine.begin() as connection,
        ):
            connection.execute(text(change.format(table, table)))
    with world.parts.engine.connect() as connection:
        assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == 1  # noqa: S608 - our own


def test_operators_see_how_far_sealing_and_followers_are_behind(world: World) -> None:
    append(world, 2)
    seal(world)
    FollowLedger(world.parts.store, {"journal": Notes()}, world.clock)()
    append(world, 3)
    at = world.clock() + timedelta(seconds=90)
    ledger = world.parts.backlog.report(at).ledger
    assert list(ledger_lines(ledger, "90 s", "91 s")) == [
        "Ledger: seal 1 91 s ago; 3 entries not sealed, the oldest for 90 s"
    ]
    (late,) = check_ledger(ledger, at)
    assert str(late).startswith("CHECK    Ledger: 3 entries are not sealed")
    seal(world)
    ledger = world.parts.backlog.report(at).ledger
    (fine,) = check_ledger(ledger, at)
    assert str(fine) == "ok       Ledger: sealed; seals: 2"
    assert list(ledger_lines(ledger, "-", "1 s")) == [
        "Ledger: seal 2 1 s ago; all is sealed",
        "Ledger: journal is up to 3 entries behind",
    ]
