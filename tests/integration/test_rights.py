"""Export and erasure: every table with anything on a person is in the one, and goes with the other."""

import json
from collections.abc import Collection, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from notify.domain.addresses import masked
from notify.domain.catalogue import Channel
from notify.domain.confirmations import Confirmation, Kind
from notify.domain.consent import Scope
from notify.domain.errands import SENDGRID_ERASURE
from notify.domain.errors import NotFoundError
from notify.domain.events import EventKind, ProviderEvent
from notify.domain.outgoing import OutgoingSms
from notify.domain.requests import Proof, RecipientInput
from notify.domain.suppressions import PAUSE
from notify.storage.letters import FORGOTTEN, TO_FIELD
from notify.storage.person_tables import SmsMirror, SoftBounce
from notify.storage.rotation import SEALED_COLUMNS
from notify.storage.tables import Base, Dispatch, Message
from notify.usecases.rights.erase import EraseRecipient
from tests.world import EMAIL, PHONE, World, exported, settings_for

EXPORTED = {
    "recipients": "recipient",
    "preferences": "preferences",
    "consent_records": "consents",
    "consent_proofs": "consents",
    "suppressions": "suppressions",
    "address_optouts": "opted_out_addresses",
    "confirmations": "confirmations",
    "undo_tokens": "undos",
    "notifications": "notifications",
    "messages": "messages",
    "dispatches": "messages",
    "attempts": "messages",
    "provider_events": "messages",
    "outbox": "messages",
    "campaigns": "messages",
    "soft_bounces": "messages",
    "sms_mirrors": "sms_mirrors",
}
"""Tables with something on a person, and the part of the export that shows it."""

NOT_EXPORTED = {
    "erased_addresses": "of people who are gone already",
    "errands": "addresses on their way to a provider, no others than in the profile",
    "event_posts": "whole posts of a provider, about many people, for the seconds until they are read",
    "idempotency_keys": "answers to the shop, the same as notifications, for eight days",
    "journal_lines": "keyed hashes, for the second until they are in the journal",
    "webhook_events": "ids, the same as messages and consents, for thirty days",
    "webhook_deliveries": "of webhook_events",
    "webhook_endpoints": "the shop's",
    "alerts": "counts, for operators",
    "api_keys": "callers of the API",
    "heartbeats": "of the scheduler",
    "installation_keys": "of the installation",
    "ledger_followers": "how far the ledger was read",
    "ledger_seals": "MACs over the ledger",
    "retention_runs": "counts",
    "sms_days": "counts",
}

ERASED_ALL_BUT = {
    "consent_records": "the bare ledger: numbers and dates",
    "erased_addresses": "keyed hashes, for links sent before",
    "address_optouts": "keyed hashes, kept from what they left",
    "suppressions": "keyed hashes, kept from marketing",
    "sms_mirrors": "keyed hashes: what Twilio was told of a STOP must not be told anew",
    "journal_lines": "keyed hashes",
    "campaigns": "the shop's texts",
    "dispatches": "shared with others, if not empty",
    "provider_events": "without a message if it came too late",
    "idempotency_keys": "the shop's own ids, for eight days",
    "webhook_events": "the shop's own ids, for thirty days",
    "errands": "the address, until SendGrid has forgotten it",
}

IP = "203.0.113.77"
BROWSER = "Firefox of Awa"
NICKNAME = "Awouche"
STREET = "12 rue des Baobabs"
PERSONAL = (EMAIL, PHONE, "Awa", "Diop", IP, NICKNAME, STREET, "C-1042")


def test_no_table_is_forgotten() -> None:
    known = EXPORTED.keys() | NOT_EXPORTED.keys()
    assert known == set(Base.metadata.tables), "say of a new table what export and erasure do with it"


@pytest.fixture
def lived(world: World) -> World:
    """Give a world in which every table has something on one person."""
    profile: Any = {"email": EMAIL, "phone": PHONE, "name": "Awa Diop", "country": "SN", "locale": "fr"}
    world.parts.upsert_recipient(RecipientInput("C-1042", profile | {"attributes": {"nickname": NICKNAME}}))
    order = world.order(profile={}, data={"order_number": f"1, {STREET}"})
    world.work()
    click = Proof(source="link", wording="Arrêter", ip=IP, user_agent=BROWSER)
    assert world.parts.unsubscribe(world.opt_out_token(Channel.EMAIL), click, "fr").undo
    now = world.clock()
    with world.parts.store.write() as tx:
        awa = tx.recipients.by_external_id("C-1042")
        assert awa
        phone, mail = awa.hashes[Channel.SMS], awa.hashes[Channel.EMAIL]
        tx.suppressions.bar(
            Channel.SMS,
            phone,
            Scope.MARKETING,
            reason=PAUSE,
            masked=masked(Channel.SMS, PHONE),
            now=now,
            until=now + timedelta(days=30),
        )
        number = int(order["messages"][0]["id"].removeprefix("msg_"))
        tx.events.add([(number, ProviderEvent("sendgrid", "e1", EventKind.DELIVERED, now))], now)
        tx.confirmations.add(
            Confirmation(
                digest=b"d" * 32,
                recipient_id=awa.id,
                kind=Kind.EXPORT,
                channel=Channel.EMAIL,
                address_hash=mail,
                locale="fr",
                message_id=number,
                created_at=now,
                expires_at=now + timedelta(hours=24),
                asked_from=None,
                wanted=None,
            )
        )
    by_sms = order["messages"][1]["id"]
    world.parts.outbox.keep([OutgoingSms(by_sms, "Smarttontin", PHONE, f"Bonjour Awa, {STREET}")])
    with world.parts.engine.begin() as connection:
        connection.execute(
            insert(SoftBounce), {"message_id": number, "address_hash": mail, "channel": "email", "at": now}
        )
        mirror = {"phone_hash": phone, "sender": "Smarttontin", "opted_out": True, "at": now}
        connection.execute(insert(SmsMirror), mirror)
        connection.execute(insert(Message), a_test(world, mail))
    return world


def a_test(world: World, address_hash: bytes) -> dict[str, Any]:
    """Return the row of a campaign's test that went to the person's address."""
    now = world.clock()
    return {
        "campaign_id": 1,
        "recipient_id": 0,
        "channel": "email",
        "topic": 2,
        "locale": "fr",
        "status": "sent",
        "address_hash": address_hash,
        "to_sealed": world.parts.vault.seal(TO_FIELD, EMAIL),
        "created_at": now,
        "updated_at": now,
    }


def test_the_export_holds_everything(lived: World) -> None:
    told = exported(lived.parts)
    empty = {part for part in set(EXPORTED.values()) if not told[part]}
    assert not empty
    text = json.dumps(told, ensure_ascii=False)
    assert [one for one in (*PERSONAL, BROWSER) if one not in text] == []
    (consent,) = told["consents"]
    assert (consent["proof"]["ip"], consent["proof"]["user_agent"]) == (IP, BROWSER)
    assert {one["reason"] for one in told["suppressions"]} == {PAUSE}
    assert [one["channel"] for one in told["messages"]] == ["email", "sms", "email"]
    assert told["messages"][0]["attempts"]
    assert told["messages"][0]["events"]
    assert told["messages"][0]["soft_bounce_at"]
    assert STREET in told["messages"][1]["copy"]["text"]
    assert told["notifications"][0]["data"]["order_number"] == f"1, {STREET}"


def test_after_an_erasure_nothing_is_left_but_hashes_and_numbers(lived: World) -> None:
    before = "\n".join(readable(lived))
    assert [one for one in PERSONAL if one not in before] == []
    lived.parts.erase_recipient("C-1042")
    with pytest.raises(NotFoundError):
        lived.parts.lookups.recipient("C-1042")
    left = {name for name, _ in personal_rows(lived)}
    assert left <= set(ERASED_ALL_BUT)
    assert left >= {"consent_records", "erased_addresses", "suppressions", "sms_mirrors", "address_optouts"}
    text = "\n".join(readable(lived))
    assert [one for one in PERSONAL if one in text] == []
    assert "•" not in text  # nor a masked address


def test_a_call_made_for_many_loses_who_is_erased_and_no_other(lived: World) -> None:
    others = [lived.order(recipient=f"C-{number}", channels=(Channel.EMAIL,)) for number in (2, 3)]
    with lived.parts.engine.begin() as connection:
        shared, theirs = connection.scalars(select(Dispatch.id).order_by(Dispatch.id).limit(2))
        connection.execute(update(Message).values(dispatch_id=shared).where(Message.recipient_id != 0))
        connection.execute(update(Message).values(dispatch_id=theirs).where(Message.recipient_id == 0))
        connection.execute(update(Dispatch).values(size=4).where(Dispatch.id == shared))
    lived.parts.erase_recipient("C-1042")
    with lived.parts.engine.connect() as connection:
        left = connection.execute(select(Dispatch.id, Dispatch.size).where(Dispatch.id.in_([shared, theirs])))
        assert list(left) == [(shared, len(others))]


def test_sqlite_overwrites_what_is_erased(sqlite_url: str, tmp_path: Path) -> None:
    world = World(settings_for(sqlite_url, tmp_path / "data"))
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    for number in range(40):  # enough for pages that become free
        attributes = {"nickname": f"{NICKNAME} {'x' * 400}"}
        world.parts.upsert_recipient(RecipientInput(f"C-{number}", {"attributes": attributes}))
    in_file(world, file, expected=True)
    for number in range(40):
        world.parts.erase_recipient(f"C-{number}")
    in_file(world, file, expected=False)
    world.parts.close()


def in_file(world: World, file: Path, *, expected: bool) -> None:
    with world.parts.engine.connect() as connection:
        connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
    assert (NICKNAME.encode() in file.read_bytes()) is expected


def test_sendgrid_is_asked_to_forget_and_then_the_address_goes(lived: World) -> None:
    erase = EraseRecipient(lived.parts.store, lived.clock, at_sendgrid=True)
    erase("C-1042")
    with lived.parts.store.write() as tx:
        now = lived.clock()
        (errand,) = tx.errands.take([SENDGRID_ERASURE], now, now, 5)
        assert errand.payload == {"addresses": [EMAIL]}
        tx.errands.finish(errand.number)
    assert EMAIL not in "\n".join(readable(lived))


def personal_rows(world: World) -> Iterator[tuple[str, Any]]:
    """Find rows that name the person's number, a message of theirs, or a hash of their addresses."""
    hashes = {world.parts.vault.hash("address.email", EMAIL), world.parts.vault.hash("address.sms", PHONE)}
    for table, row in rows(world):
        keys: Collection[Any] = [row.get("recipient_id"), row.get("message_id")]
        if any(value in hashes for value in row.values() if isinstance(value, bytes)) or any(keys):
            yield table, row


def rows(world: World) -> Iterator[tuple[str, dict[str, Any]]]:
    with world.parts.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            for row in connection.execute(select(table)).mappings():
                yield table.name, dict(row)


def readable(world: World) -> Iterator[str]:
    """Give every value of the database in clear."""
    for table, row in rows(world):
        for name, value in row.items():
            field = SEALED_COLUMNS.get((table, name))
            if field and value and value != FORGOTTEN:
                yield world.parts.vault.open(field, value)
            elif not isinstance(value, bytes):
                yield str(value)
