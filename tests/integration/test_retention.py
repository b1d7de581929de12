"""Retention: what goes when, what must stay, and that a run says what it did."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from notify.cli.status import lines
from notify.domain.catalogue import Channel
from notify.domain.errors import NotFoundError
from notify.domain.events import EventKind, ProviderEvent
from notify.domain.ledger import Change, LedgerEntry
from notify.domain.outgoing import OutgoingSms
from notify.domain.requests import Proof, RecipientInput
from notify.domain.retention import RetentionPolicy
from notify.storage.consent_tables import ConsentProof, ConsentRecord
from notify.storage.letters import FORGOTTEN
from notify.storage.tables import Notification
from notify.usecases.rights.retain import Retain
from tests.world import EMAIL, PHONE, World, exported


def go(world: World, by: timedelta) -> dict[str, int]:
    """Let time pass, and run; return what went."""
    world.clock.advance(by)
    planned = world.parts.retain(dry_run=True).counts
    done = world.parts.retain().counts
    assert planned == done
    return dict(done)


def test_three_years_after_the_last_contact_people_are_erased(world: World) -> None:
    for name in ("ORDERS", "CLICKS", "BUYS", "IS CHANGED", "IS SILENT"):
        email = f"{name.lower().replace(' ', '')}@example.com"
        world.parts.upsert_recipient(RecipientInput(name.replace(" ", "-"), {"email": email}))
    world.order(recipient="CLICKS", profile={})
    world.work()
    token = world.opt_out_token(Channel.EMAIL)
    world.clock.advance(timedelta(days=1000))
    world.order(recipient="ORDERS", profile={})
    world.parts.unsubscribe(token, Proof(source="link"), "fr")
    since = world.clock().date()
    world.parts.upsert_recipient(RecipientInput("BUYS", {"customer_since": since}))
    world.parts.upsert_recipient(RecipientInput("IS-CHANGED", {"name": "Awa"}))
    assert go(world, timedelta(days=100))["recipients"] == 1
    with pytest.raises(NotFoundError):
        world.parts.lookups.recipient("IS-SILENT")
    for name in ("ORDERS", "CLICKS", "BUYS", "IS-CHANGED"):
        assert world.parts.lookups.recipient(name)["id"] == name
    assert go(world, timedelta(days=1000))["recipients"] == 4


def test_data_of_notifications_and_copies_go_after_ninety_days(world: World) -> None:
    order = world.order()
    later = world.order(recipient="C-2", send_at=world.clock() + timedelta(days=200))
    world.work()
    number = order["messages"][1]["id"]
    world.parts.outbox.keep([OutgoingSms(number, "Smarttontin", PHONE, "Bonjour Awa")])
    assert go(world, timedelta(days=89)) == {}
    assert go(world, timedelta(days=2)) == {"data": 1, "copies": 1}
    told = exported(world.parts)["notifications"]
    assert [one["data"] for one in told] == [None]
    assert world.message(order, Channel.EMAIL)["status"] == "sent"

    world.clock.advance(timedelta(days=109))
    world.email.batches.clear()
    world.work()  # what was scheduled for the day 200 had its data still
    assert world.message(later, Channel.EMAIL)["status"] == "sent"
    assert go(world, timedelta(days=91)) == {"scheduled data": 1}
    with world.parts.engine.connect() as connection:
        assert set(connection.scalars(select(Notification.data_sealed))) == {FORGOTTEN}


def test_what_still_waits_keeps_its_data_until_it_is_through(world: World) -> None:
    world.order(recipient="WAITS", channels=(Channel.EMAIL,))
    world.claim(seconds=1e8)  # somebody is at it for years
    world.order(recipient="GOES", reference=None)
    world.work()
    assert go(world, timedelta(days=91)) == {"data": 1}
    with world.parts.store.read() as tx:
        last = tx.retention.last_run()
    assert last
    assert last.marks["data"] == 0  # the next run begins with it again


def test_addresses_of_visits_go_after_a_year_and_the_proof_stays_provable(world: World) -> None:
    world.order()
    world.work()
    click = Proof(source="link", wording="Arrêter", ip="203.0.113.77", user_agent="Firefox")
    world.parts.unsubscribe(world.opt_out_token(Channel.EMAIL), click, "fr")
    world.parts.seal_ledger()
    world.clock.advance(timedelta(days=91))
    world.parts.retain()
    assert go(world, timedelta(days=273)) == {}
    assert go(world, timedelta(days=2)) == {"visits": 1}
    (entry,) = exported(world.parts)["consents"]
    assert (entry["proof"]["ip"], entry["proof"]["user_agent"]) == (None, None)
    assert (entry["wording"], entry["proof"]["source"]) == ("Arrêter", "link")
    assert go(world, timedelta(days=1)) == {}


def test_proofs_go_three_years_after_their_choice_was_replaced(world: World) -> None:
    choose(world, at=world.clock(), subscribed=True)
    world.clock.advance(timedelta(days=10))
    choose(world, at=world.clock(), subscribed=False)
    replaced_at = world.clock()
    for _ in range(3):
        world.clock.advance(timedelta(days=360))
        world.order()  # they stay customers
        world.parts.retain()
    world.clock.at = replaced_at + timedelta(days=1094)
    assert "proofs" not in world.parts.retain().counts
    assert go(world, timedelta(days=2))["proofs"] == 1
    with world.parts.engine.connect() as connection:
        chosen = select(ConsentRecord.id).where(ConsentRecord.topic == 2).order_by(ConsentRecord.id)
        entries = list(connection.scalars(chosen))
        kept = list(connection.scalars(select(ConsentProof.consent_id)))
    assert entries[0] not in kept
    assert entries[1] in kept


def test_a_pause_replaces_no_choice_and_its_end_is_no_contact(world: World) -> None:
    choose(world, at=world.clock(), subscribed=True)
    world.parts.upsert_recipient(RecipientInput("C-2", {"email": "quiet@example.com"}))
    for days, way in ((30, "pause"), (30, "pause_end"), (940, "pause_end")):
        world.clock.advance(timedelta(days=days))
        with world.parts.store.write() as tx:
            people = [tx.recipients.by_external_id(one) for one in ("C-1042", "C-2")]
            told = [
                LedgerEntry(one.id, world.clock(), way != "pause", way, 2, Channel.EMAIL)
                for one in people
                if one
            ]
            tx.consents.append(told)
    world.order()  # a customer still, unlike the other
    assert go(world, timedelta(days=130)) == {"recipients": 1}
    assert exported(world.parts)["consents"][0]["proof"]["source"] == "checkout"


def choose(world: World, *, at: datetime, subscribed: bool) -> None:
    world.parts.upsert_recipient(RecipientInput("C-1042", {"email": EMAIL}))
    with world.parts.store.write() as tx:
        awa = tx.recipients.by_external_id("C-1042")
        assert awa
        entry = LedgerEntry(
            awa.id, at, subscribed, "shop", 2, Channel.EMAIL, proof=Proof(source="checkout", wording="Oui")
        )
        tx.consents.record([entry], [Change(2, Channel.EMAIL, subscribed, None)], [], None)


def test_reports_of_providers_go_and_zero_keeps_for_good(world: World) -> None:
    order = world.order()
    world.work()
    now = world.clock()
    number = int(order["messages"][0]["id"].removeprefix("msg_"))
    with world.parts.store.write() as tx:
        tx.events.add([(number, ProviderEvent("sendgrid", "e1", EventKind.DELIVERED, now))], now)
    world.clock.advance(timedelta(days=401))
    keeping = RetentionPolicy(None, None, None, None)
    assert Retain(world.parts.store, world.parts.erase_recipient, keeping, world.clock)().counts == {}
    assert go(world, timedelta(days=0)) == {"data": 1, "events": 1}
    assert world.message(order, Channel.EMAIL)["events"] == []


def test_a_run_is_reported(world: World) -> None:
    world.order()
    world.work()
    go(world, timedelta(days=91))
    with world.parts.store.read() as tx:
        last = tx.retention.last_run()
    assert last
    assert (last.at, last.counts) == (world.clock(), {"data": 1})
    shown = list(lines(world.parts.backlog.report(world.clock()), None, world.clock() + timedelta(hours=2)))
    assert "Retention, 2 h ago: data: 1" in shown
