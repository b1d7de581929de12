"""What is done to the ledger behind the service's back is found and named."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import text

from notify.domain.catalogue import Channel
from notify.domain.recipients import PolicyAcceptance, ProfilePatch
from notify.domain.requests import Choice, Proof, RecipientInput
from notify.usecases.ledger.seal import SealLedger
from tests.world import CLICK, World

ADAM, EVE = "C-1", "C-2"


def seal(world: World) -> None:
    SealLedger(world.parts.store, world.clock, pause=lambda _: None)()


def choose(world: World, recipient: str, *choices: tuple[str, Channel, bool]) -> None:
    wanted = [Choice(*choice) for choice in choices]
    world.parts.change_preferences(recipient, wanted, Proof("sign-up form", "Yes, please", "203.0.113.9"))


def live(world: World) -> None:
    """Write seven entries, closed by three seals: cns_1 to cns_4, cns_5 and cns_6, cns_7."""
    patch: ProfilePatch = {"email": "adam@example.com", "country": "SN"}
    accepted = PolicyAcceptance("2026-01", world.clock(), "checkout")
    world.parts.upsert_recipient(RecipientInput(ADAM, patch, accepted))
    world.parts.upsert_recipient(RecipientInput(EVE, {"email": "eve@example.com", "country": "FR"}))
    choose(world, ADAM, ("company_news", Channel.EMAIL, False), ("surveys", Channel.EMAIL, False))
    choose(world, EVE, ("surveys", Channel.EMAIL, True))
    seal(world)
    choose(world, EVE, ("surveys", Channel.EMAIL, False), ("company_news", Channel.EMAIL, True))
    seal(world)
    choose(world, ADAM, ("company_news", Channel.EMAIL, True))
    seal(world)


def verify(world: World, head: str | None = None) -> list[str]:
    found: list[str] = []
    world.parts.verify_ledger(lambda finding: found.append(finding.text), head)
    return found


def tamper(world: World, *statements: str) -> None:
    """Run SQL as somebody can who may do anything: the triggers are no obstacle."""
    with world.parts.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        else:
            names = connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all()
            for name in names:
                connection.execute(text(f"DROP TRIGGER {name}"))
        kind = "bytea" if connection.dialect.name == "postgresql" else "blob"
        for statement in statements:
            connection.execute(text(statement.replace("{bytes}", kind)))


def test_a_sound_ledger_is_found_sound_under_all_that_is_ordinary(world: World) -> None:
    live(world)
    world.order(recipient=EVE)
    world.work()
    token = world.opt_out_token(Channel.EMAIL)
    first = world.parts.unsubscribe(token, CLICK, "fr")
    assert first.undo
    world.parts.undo(first.undo, Proof("undo"), "fr")
    world.parts.unsubscribe(token, CLICK, "fr")
    assert verify(world) == []
    seal(world)
    world.parts.erase_recipient(ADAM)
    world.parts.rotate_keys(lambda *_: None)
    assert verify(world) == []


ALTERED = "cns_{} was altered: it is not what seal {} closed."
EXCHANGED = """
    UPDATE consent_proofs SET proof_sealed = other.proof_sealed FROM consent_proofs other
    WHERE consent_proofs.consent_id = 5 AND other.consent_id = 4
"""
NOT_THERE = "which is not on the ledger: it was cut."

TAMPERING: Sequence[tuple[str, Sequence[str], Sequence[str]]] = (
    ("a choice is turned round", ["UPDATE consent_records SET subscribed = true WHERE id = 5"],
     [ALTERED.format(5, 2), "A preference of C-2 is not what cns_5 says.",
      "An address's opt-out is not what cns_5 says."]),
    ("a time is altered", ["UPDATE consent_records SET at = '2020-01-01 00:00:00' WHERE id = 5"],
     [ALTERED.format(5, 2)]),
    ("a person is exchanged", ["UPDATE consent_records SET recipient_id = 2 WHERE id = 1"],
     [ALTERED.format(1, 1), "The acceptance of the policy by C-1 is not what cns_1 says."]),
    ("an entry goes", ["DELETE FROM consent_records WHERE id = 3"],
     ["cns_3 is missing: seal 1 closed it.",
      f"A preference of C-1 rests on cns_3, {NOT_THERE}",
      f"An address's opt-out rests on cns_3, {NOT_THERE}",
      f"A proof belongs to cns_3, {NOT_THERE}"]),
    ("a seal is altered", ["UPDATE ledger_seals SET at = '2020-01-01 00:00:00' WHERE id = 2"],
     ["Seal 2 was altered."]),
    ("a seal goes", ["DELETE FROM ledger_seals WHERE id = 2"],
     ["Seal 2 is missing: the chain was cut."]),
    ("a follower knows better",
     ["INSERT INTO ledger_followers (name, entry_id) VALUES ('journal', 9)"],
     ["The follower journal was told of cns_9, and the ledger now ends before: it was cut."]),
    ("the end is cut off",
     ["DELETE FROM ledger_seals WHERE id = 3", "DELETE FROM consent_records WHERE id = 7",
      "DELETE FROM consent_proofs WHERE consent_id = 7"],
     [f"A preference of C-1 rests on cns_7, {NOT_THERE}"]),
    ("the wordings of two proofs are exchanged",
     [EXCHANGED],
     ["The proof of cns_5 was altered: the ledger holds another digest."]),
    ("a proof is garbled",
     ["UPDATE consent_proofs SET proof_sealed = CAST('x' AS {bytes}) WHERE consent_id = 4"],
     ["The proof of cns_4 cannot be decrypted: altered, or its key is gone."]),
    ("a preference is turned round",
     ["UPDATE preferences SET subscribed = true WHERE consent_id = 5"],
     ["A preference of C-2 is not what cns_5 says."]),
    ("a preference is put on the word of an older entry",
     ["UPDATE preferences SET subscribed = true, consent_id = 4 WHERE consent_id = 5"],
     ["A preference of C-2 does not heed cns_5."]),
    ("a preference is forgotten", ["DELETE FROM preferences WHERE consent_id = 3"],
     ["A preference of C-1 is missing: cns_3 set it."]),
)  # fmt: skip


@pytest.mark.parametrize(
    ("statements", "findings"), [one[1:] for one in TAMPERING], ids=[one[0] for one in TAMPERING]
)
def test_tampering_is_found_and_named(
    world: World, statements: Sequence[str], findings: Sequence[str]
) -> None:
    live(world)
    assert verify(world) == []
    tamper(world, *statements)
    assert verify(world) == list(findings)


def test_an_address_that_is_not_barred_any_more_is_found_unless_somebody_there_came_back(
    world: World,
) -> None:
    live(world)
    world.order(recipient=ADAM)
    world.order(recipient=EVE)  # whose address it is by now, too
    world.work()
    world.parts.unsubscribe(world.opt_out_token(Channel.EMAIL), CLICK, "fr", whole_channel=True)
    seal(world)
    assert verify(world) == []
    choose(world, ADAM, ("company_news", Channel.EMAIL, True))
    seal(world)
    assert verify(world) == []
    world.parts.upsert_recipient(RecipientInput(ADAM, {"email": "adam@example.net"}))
    assert verify(world) == []  # it was his when he chose it
    world.parts.erase_recipient(ADAM)
    assert verify(world) == []
    tamper(world, "DELETE FROM address_optouts WHERE topic = 3")
    (found,) = verify(world)
    assert found.startswith("An address that C-2 left by cns_")
    assert found.endswith(" is not barred any more, though nobody there chose it again.")


def test_an_opt_in_at_an_address_that_nobody_remembers_raises_no_alarm(world: World) -> None:
    live(world)
    world.order(recipient=ADAM)
    world.work()
    world.parts.unsubscribe(world.opt_out_token(Channel.EMAIL), CLICK, "fr")
    address = world.email.messages[-1].to
    world.clock.advance(timedelta(minutes=5))
    world.parts.upsert_recipient(RecipientInput("C-3", {"email": address, "country": "SN"}))
    world.clock.advance(timedelta(minutes=5))
    choose(world, "C-3", ("order_updates", Channel.EMAIL, True))
    seal(world)
    assert verify(world) == []
    world.clock.advance(timedelta(minutes=5))
    world.parts.upsert_recipient(RecipientInput("C-3", {"email": "moved@example.com"}))
    assert verify(world) == []
    world.parts.erase_recipient("C-3")
    assert verify(world) == []


def test_an_entry_that_was_put_in_is_found_and_named(world: World) -> None:
    live(world)
    with world.parts.engine.begin() as connection:  # numbers that were given out in vain leave such gaps
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT nextval('consent_records_id_seq')"))
        else:
            connection.execute(text("UPDATE sqlite_sequence SET seq = 8 WHERE name = 'consent_records'"))
    choose(world, EVE, ("product_offers", Channel.EMAIL, True))
    seal(world)
    assert verify(world) == []
    columns = "recipient_id, at, topic, channel, subscribed, way"
    copy = f"SELECT {{}}, {columns} FROM consent_records WHERE id = 1"  # noqa: S608 - our own
    for number in (8, 0):
        tamper(world, f"INSERT INTO consent_records (id, {columns}) {copy.format(number)}")
    assert verify(world) == [f"cns_{number} was put in later: no seal holds it." for number in (0, 8)]


def test_a_head_that_was_noted_must_stay_in_the_chain(world: World) -> None:
    live(world)
    verified = world.parts.verify_ledger(lambda _: None)
    assert (verified.seals, verified.entries, verified.unsealed) == (3, 7, 0)
    head = verified.head or ""
    choose(world, ADAM, ("surveys", Channel.EMAIL, True))
    seal(world)
    assert verify(world, head) == []
    tamper(world, "DELETE FROM ledger_seals WHERE id > 2")
    world.clock.advance(timedelta(seconds=1))
    seal(world)  # all is in order again but for the one who noted the head
    assert verify(world) == []
    assert verify(world, head) == [f"The head {head} is not in the chain: it was cut, or put together anew."]


def test_entries_that_nobody_seals_are_named_after_a_minute(world: World) -> None:
    live(world)
    choose(world, ADAM, ("surveys", Channel.EMAIL, True))
    assert verify(world) == []
    world.clock.advance(timedelta(seconds=61))
    (found,) = verify(world)
    assert (
        found == "Not sealed: 1, the oldest cns_8 since 2026-11-23T12:00:00.000Z. Is the scheduler running?"
    )
