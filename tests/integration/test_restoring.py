"""A backup is restored: what was chosen since is put back from the journal, and old links stay theirs."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete

from notify.domain.catalogue import Channel
from notify.domain.consent import Scope
from notify.domain.errors import NotFoundError
from notify.domain.journal import MARGIN
from notify.domain.ledger import Change, LedgerEntry
from notify.domain.recipients import ProfilePatch
from notify.domain.requests import Proof, RecipientInput
from notify.domain.suppressions import STOP
from notify.storage.consent_tables import AddressOptOut
from notify.usecases.rights.restore_optouts import Restored
from tests.servers import Postgres
from tests.world import CLICK, World, settings_for

Restore = Callable[[World], World]


@pytest.fixture(params=["sqlite", "postgresql"])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[World, Callable[[], Restore]]]:
    """Give a world, and how to back its database up and restore it, journal and keys being elsewhere."""
    on_sqlite = request.param == "sqlite"
    url: str = request.getfixturevalue("sqlite_url" if on_sqlite else "postgres_url")
    settings = settings_for(url, tmp_path / "data")
    world = World(settings)
    worlds = [world]
    copies: list[str] = []

    def again(name: str) -> World:
        found = World(settings.model_copy(update={"database_url": name}))
        found.clock.at = world.clock() + timedelta(hours=1)
        worlds.append(found)
        return found

    def back_up_sqlite() -> Restore:
        kept = tmp_path / "backup.db"
        source, target = sqlite3.connect(url.removeprefix("sqlite:///")), sqlite3.connect(kept)
        source.backup(target)
        source.close()
        target.close()
        shutil.copyfile(kept, tmp_path / "restored.db")
        return lambda _: again(f"sqlite:///{tmp_path / 'restored.db'}")

    def back_up_postgres() -> Restore:
        server: Postgres = request.getfixturevalue("postgres_server")
        world.parts.engine.dispose()  # a database in use cannot be copied
        copies.append(server.create(url.rpartition("/")[2]))
        return lambda _: again(server.url(copies[0]))

    yield world, back_up_sqlite if on_sqlite else back_up_postgres
    for one in worlds:
        one.parts.close()
    for name in copies:
        request.getfixturevalue("postgres_server").drop(name)


def meet(world: World, recipient: str, number: int) -> str:
    """Have somebody order; return the opt-out token of their e-mail."""
    world.order(
        recipient=recipient,
        profile={"email": f"{recipient.lower()}@example.com", "phone": f"+22177123450{number}"},
        reference=None,
    )
    world.work()
    return world.opt_out_token(Channel.EMAIL)


def journal(world: World) -> None:
    world.parts.seal_ledger()
    world.parts.follow_ledger()
    world.clock.advance(timedelta(minutes=1))
    world.parts.write_journal()


def test_an_opt_out_that_was_taken_away_behind_the_services_back_is_missed(world: World) -> None:
    """The ledger does not say which address was left in the centre; the journal does."""
    meet(world, "LEFT", 1)
    stop = Proof(source="preference_centre", wording="Tout arrêter")
    world.parts.preference_centre.stop_everything(world.centre_token(), stop, "fr")
    journal(world)
    assert nothing_is_left(world.parts.restore_optouts([], dry_run=True))
    with world.parts.engine.begin() as connection:
        connection.execute(delete(AddressOptOut).where(AddressOptOut.channel == Channel.EMAIL))
    topics = len(list(world.parts.catalogue))
    assert world.parts.restore_optouts([], dry_run=True).opted_out == topics


def test_nothing_chosen_since_the_backup_is_forgotten(
    machine: tuple[World, Callable[[], Restore]],
) -> None:
    world, back_up = machine
    tokens = {
        name: meet(world, name, number) for number, name in enumerate(("LEFT", "UNDID", "GONE", "STOPS"))
    }
    journal(world)
    restore = back_up()
    since_the_backup(world, tokens)
    restored = restore(world)

    planned = restored.parts.restore_optouts([], dry_run=True)
    done = restored.parts.restore_optouts([], dry_run=False)
    assert planned == done
    assert (done.opted_out, done.barred, done.erased, done.unreadable) == (2, 3, 1, 0)
    assert nothing_is_left(restored.parts.restore_optouts([], dry_run=True))

    assert skipped(restored, "LEFT") == ("skipped", "unsubscribed")
    assert skipped(restored, "UNDID") == ("queued", None)
    with pytest.raises(NotFoundError):
        restored.parts.lookups.recipient("GONE")
    with restored.parts.store.read() as tx:
        stops = tx.recipients.by_external_id("STOPS")
        assert stops
        (bar,) = tx.suppressions.of(Channel.SMS, [stops.hashes[Channel.SMS]])
    assert (bar.reason, bar.scope) == (STOP, Scope.ALL)
    assert told(restored, "STOPS") == [("stop", "order_updates", "sms")]
    assert told(restored, "LEFT") == [("restored", "order_updates", "email")]
    journal(restored)
    found: list[str] = []
    restored.parts.verify_ledger(lambda one: found.append(one.text), restored.parts.journalled_head())
    assert found == []  # the seals that the backup lacks are known to be lost


def since_the_backup(world: World, tokens: dict[str, str]) -> None:
    """Let people leave, come back, stop, be erased, and become customers."""
    world.clock.advance(timedelta(minutes=1))
    world.parts.unsubscribe(tokens["LEFT"], CLICK, "fr")
    undo = world.parts.unsubscribe(tokens["UNDID"], CLICK, "fr").undo
    assert undo
    world.parts.undo(undo, CLICK, "fr")
    with world.parts.store.write() as tx:
        stops = tx.recipients.by_external_id("STOPS")
        assert stops
        phone = stops.hashes[Channel.SMS]
        tx.suppressions.bar(Channel.SMS, phone, Scope.ALL, reason=STOP, masked=None, now=world.clock())
    world.parts.unsubscribe(meet(world, "NEW", 8), CLICK, "fr")
    world.parts.erase_recipient("GONE")
    journal(world)
    journal(world)


def skipped(world: World, recipient: str) -> tuple[str, str | None]:
    """Return how the e-mail of a new order of theirs begins."""
    order = world.order(recipient=recipient, profile={}, channels=(Channel.EMAIL,), reference=None)
    (message,) = order["messages"]
    return message["status"], message["reason"]


def told(world: World, recipient: str) -> list[tuple[str, str, str]]:
    """Return what the ledger says of somebody."""
    entries = world.parts.lookups.consents(recipient)["items"]
    return [(one["source"], one["topic"], one["channel"]) for one in entries]


def nothing_is_left(done: Restored) -> bool:
    return (done.opted_out, done.barred, done.erased) == (0, 0, 0)


def test_links_sent_after_the_backup_never_become_somebody_elses(
    machine: tuple[World, Callable[[], Restore]],
) -> None:
    world, back_up = machine
    meet(world, "OLD", 1)
    journal(world)
    restore = back_up()
    link = meet(world, "LOST", 2)
    journal(world)
    restored = restore(world)
    restored.parts.restore_optouts([], dry_run=False)

    meet(restored, "ANOTHER", 3)
    order = restored.order(recipient="ANOTHER", profile={}, reference=None)
    assert int(order["messages"][0]["id"].removeprefix("msg_")) > MARGIN
    journal(restored)
    restored.parts.restore_optouts([], dry_run=False)  # by mistake: it is not behind any more
    after = restored.order(recipient="ANOTHER", profile={}, reference=None)
    assert int(after["messages"][0]["id"].removeprefix("msg_")) < 2 * MARGIN
    done = restored.parts.unsubscribe(link, CLICK, "fr")  # the person is not known any more
    assert not done.view.subscribed
    assert restored.subscribed("order_updates", Channel.EMAIL, "ANOTHER")


def test_a_second_restore_leaves_an_address_to_who_came_back_with_it(
    machine: tuple[World, Callable[[], Restore]],
) -> None:
    world, back_up = machine
    shared: ProfilePatch = {"email": "family@example.com", "phone": "+221771234509"}
    tokens = {}
    for name in ("LEFT", "BACK"):
        world.order(recipient=name, profile=shared, reference=None)
        world.work()
        tokens[name] = world.opt_out_token(Channel.EMAIL)
    journal(world)
    restore = back_up()
    world.clock.advance(timedelta(minutes=1))
    world.parts.unsubscribe(tokens["LEFT"], CLICK, "fr")
    back_in(world, "BACK")  # the address's last word: it is free, though LEFT stays out
    journal(world)
    restored = restore(world)
    assert restored.parts.restore_optouts([], dry_run=False).opted_out == 1
    journal(restored)
    assert nothing_is_left(restored.parts.restore_optouts([], dry_run=True))
    assert skipped(restored, "LEFT") == ("skipped", "unsubscribed")
    assert skipped(restored, "BACK") == ("queued", None)


def back_in(world: World, recipient: str) -> None:
    """Have somebody subscribe again, with the address that they have now."""
    with world.parts.store.write() as tx:
        person = tx.recipients.by_external_id(recipient)
        assert person
        change = Change(1, Channel.EMAIL, subscribed=True, before=False)
        entry = LedgerEntry(
            person.id, world.clock(), subscribed=True, way="preference_centre", topic=1, channel=Channel.EMAIL
        )
        tx.consents.record([entry], [change], list(person.hashes.values()), None)


def test_an_opt_in_since_the_restore_stands(machine: tuple[World, Callable[[], Restore]]) -> None:
    world, back_up = machine
    token = meet(world, "LEFT", 1)
    journal(world)
    restore = back_up()
    world.clock.advance(timedelta(minutes=1))
    world.parts.unsubscribe(token, CLICK, "fr")
    journal(world)
    restored = restore(world)
    restored.parts.restore_optouts([], dry_run=False)
    undo = restored.parts.unsubscribe(token, CLICK, "fr").undo
    assert undo is None  # what was restored is not taken back by a button
    back_in(restored, "LEFT")
    assert nothing_is_left(restored.parts.restore_optouts([], dry_run=False))
    assert restored.subscribed("order_updates", Channel.EMAIL, "LEFT")


def test_an_address_that_was_left_stays_left_though_the_person_came_back_with_another(
    machine: tuple[World, Callable[[], Restore]],
) -> None:
    world, back_up = machine
    token = meet(world, "MOVED", 1)
    journal(world)
    restore = back_up()
    world.clock.advance(timedelta(minutes=1))
    world.parts.upsert_recipient(RecipientInput("MOVED", {"email": "new@example.com"}))
    world.parts.unsubscribe(token, CLICK, "fr")  # binds the address that the message went to
    back_in(world, "MOVED")
    journal(world)
    restored = restore(world)
    assert restored.parts.restore_optouts([], dry_run=False).opted_out == 1
    assert skipped(restored, "MOVED") == ("skipped", "unsubscribed")
    found: list[str] = []
    journal(restored)
    restored.parts.verify_ledger(lambda one: found.append(one.text))
    assert found == []
