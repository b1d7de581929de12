"""The journal outside the database: what is in it, and that nothing is lost on the way."""

import json
from pathlib import Path
from typing import Any

import pytest

from notify.domain.alerts import JOURNAL_UNWRITABLE
from notify.domain.catalogue import Channel
from notify.domain.consent import Scope
from notify.domain.requests import Choice, RecipientInput
from notify.domain.suppressions import STOP
from notify.journal import FileJournal, read_lines
from notify.usecases.rights.journal import WriteJournal
from tests.world import CLICK, EMAIL, PHONE, World


def journal_of(world: World) -> list[dict[str, Any]]:
    """Seal, follow and write; return the lines that are there."""
    world.parts.seal_ledger()
    world.parts.follow_ledger()
    world.parts.write_journal()
    return [json.loads(line) for line in read_lines([world.parts.settings.journal_path])]


def hash_of(world: World, channel: Channel) -> str:
    with world.parts.store.read() as tx:
        recipient = tx.recipients.by_external_id("C-1042")
    assert recipient
    return recipient.hashes[channel].hex()


def test_opt_outs_and_opt_ins_are_journalled_with_the_address_that_they_are_about(world: World) -> None:
    world.order()
    world.work()
    mail = hash_of(world, Channel.EMAIL)
    token = world.opt_out_token(Channel.EMAIL)
    world.parts.upsert_recipient(RecipientInput("C-1042", {"email": "new.address@example.com"}))
    done = world.parts.unsubscribe(token, CLICK, "fr")
    assert done.undo
    first = [line for line in journal_of(world) if line["kind"] == "choice"]
    world.parts.undo(done.undo, CLICK, "fr")
    lines = [line for line in journal_of(world) if line["kind"] == "choice"]
    assert [(one["topic"], one["channel"], one["subscribed"]) for one in lines] == [
        (1, "email", False),
        (1, "email", True),
    ]
    assert first[0]["hashes"] == [mail]  # where the message went, not where the next would go
    assert mail in lines[1]["hashes"]


def test_an_opt_out_is_journalled_with_the_address_that_left_though_the_person_has_another(
    world: World,
) -> None:
    world.order()
    world.work()
    left = hash_of(world, Channel.SMS)
    choice = Choice("order_updates", Channel.SMS, subscribed=False)
    world.parts.preference_centre.change(world.centre_token(), [choice], CLICK, "fr")
    world.parts.upsert_recipient(RecipientInput("C-1042", {"phone": "+221771112233"}))
    (line,) = [one for one in journal_of(world) if one["kind"] == "choice"]
    assert line["hashes"] == [left]


def test_suppressions_and_erasures_are_journalled_without_anything_personal(world: World) -> None:
    world.order()
    phone = hash_of(world, Channel.SMS)
    with world.parts.store.write() as tx:
        value = bytes.fromhex(phone)
        tx.suppressions.bar(
            Channel.SMS, value, Scope.MARKETING, reason=STOP, masked="+221…67", now=world.clock()
        )
        tx.suppressions.lift(Channel.SMS, [value], STOP)
    world.parts.erase_recipient("C-1042")
    lines = journal_of(world)
    told = [(line["kind"], line.get("reason")) for line in lines if line["kind"] != "numbers"]
    assert told == [
        ("barred", STOP),
        ("lifted", STOP),
        ("barred", "erasure"),
        ("barred", "erasure"),
        ("erased", None),
    ]
    text = world.parts.settings.journal_path.read_text()
    for personal in (EMAIL, PHONE, "Diop", "+221", "C-1042"):
        assert personal not in text
    assert world.parts.settings.journal_path.stat().st_mode & 0o777 == 0o600
    assert journal_of(world) == lines  # written once


def test_numbers_are_noted_beyond_all_that_was_given_out(world: World) -> None:
    world.order()
    (line,) = [one for one in journal_of(world) if one["kind"] == "numbers"]
    assert (line["recipients"], line["notifications"], line["messages"]) == (1, 1, 2)


def test_the_head_of_the_ledger_is_noted_and_must_be_in_the_chain(world: World) -> None:
    world.order()
    world.work()
    world.parts.unsubscribe(world.opt_out_token(Channel.EMAIL), CLICK, "fr")
    journal_of(world)
    found: list[str] = []
    verified = world.parts.verify_ledger(lambda one: found.append(one.text), world.parts.journalled_head())
    assert found == []
    assert verified.head == world.parts.journalled_head()
    FileJournal(world.parts.settings.journal_path).append([f'{{"kind":"seal","seal":2,"mac":"{"0" * 64}"}}'])
    world.parts.verify_ledger(lambda one: found.append(one.text), world.parts.journalled_head())
    assert len(found) == 1  # the chain was cut


class Full:
    """A disk without room."""

    def append(self, lines: list[str]) -> None:
        raise OSError(28, "no space left on device")


def test_what_cannot_be_written_waits(world: World) -> None:
    world.order()
    world.parts.erase_recipient("C-1042")
    broken = WriteJournal(world.parts.store, Full(), world.clock)  # type: ignore[arg-type]
    with pytest.raises(OSError, match="no space"):
        broken()
    assert alerts(world) == [JOURNAL_UNWRITABLE]
    assert "erased" in {line["kind"] for line in journal_of(world)}
    assert alerts(world) == []


def alerts(world: World) -> list[str]:
    with world.parts.store.read() as tx:
        return [one.kind for one in tx.alerts.open_ones()]


def test_a_torn_line_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "somewhere" / "optouts.journal"
    FileJournal(path).append(['{"kind":"first"}'])
    with path.open("a") as file:
        file.write('{"kind":"to')
    FileJournal(path).append(['{"kind":"second"}'])
    assert list(read_lines([path])) == ['{"kind":"first"}\n', '{"kind":"to\n', '{"kind":"second"}\n']
