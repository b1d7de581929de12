"""The chain over the ledger: nothing in it can be altered without its MACs telling."""

import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.domain.ledger_findings import check_link
from notify.domain.seals import Link, Recorded, Seal, entry_mac, next_seal, seal_mac

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
INDIA = timezone(timedelta(hours=5, minutes=30))

ENTRIES = st.builds(
    Recorded,
    number=st.integers(1, 2**62),
    recipient_id=st.integers(1, 2**62),
    at=st.datetimes(timezones=st.just(UTC)),
    topic=st.none() | st.integers(1, 255),
    channel=st.none() | st.sampled_from(["email", "sms"]),
    subscribed=st.booleans(),
    way=st.text(max_size=32),
    locale=st.none() | st.text(max_size=8),
    policy_version=st.none() | st.text(max_size=64),
    message_id=st.none() | st.integers(1, 2**62),
    proof_hash=st.none() | st.binary(min_size=32, max_size=32),
)


def mac(purpose: str, data: bytes) -> bytes:
    return hmac.digest(purpose.encode(), data, "sha256")


@given(ENTRIES, ENTRIES)
def test_entries_that_differ_have_macs_that_differ(one: Recorded, other: Recorded) -> None:
    assert (entry_mac(one, mac) == entry_mac(other, mac)) is (one == other)
    mixed = one._replace(way=other.way, locale=other.locale)
    assert (entry_mac(one, mac) == entry_mac(mixed, mac)) is (one == mixed)


@given(ENTRIES)
def test_an_entrys_mac_is_over_a_json_array_of_its_columns(entry: Recorded) -> None:
    moment = (entry.at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    proof = entry.proof_hash.hex() if entry.proof_hash else None
    array = json.dumps([*entry._replace(at=moment, proof_hash=proof)], separators=(",", ":"))  # type: ignore[arg-type]
    assert entry_mac(entry, mac) == mac("ledger entry", array.encode())[:16]


@given(ENTRIES)
def test_a_moment_is_the_same_in_any_zone(entry: Recorded) -> None:
    try:
        elsewhere = entry._replace(at=entry.at.astimezone(INDIA))
    except OverflowError:  # the first and the last day there are
        return
    assert entry_mac(elsewhere, mac) == entry_mac(entry, mac)


def sealed(before: Link, *numbers: int) -> Seal:
    entries = [Recorded(one, 1, AT, 1, "email", True, "shop", None, None, None, None) for one in numbers]
    return next_seal(before, entries, AT, mac)


def link(seal: Seal) -> Link:
    return Link(seal.number, seal.last_entry, seal.mac)


FIRST = sealed(Link(), 1, 2, 5)
SECOND = sealed(link(FIRST), 6)


def test_a_chain_holds_what_it_closed_and_follows_on_itself() -> None:
    assert [number for number, _ in FIRST] == [1, 2, 5]
    assert [*check_link(Link(), FIRST, mac), *check_link(link(FIRST), SECOND, mac)] == []


@pytest.mark.parametrize(
    "altered",
    [
        replace(SECOND, at=AT + timedelta(microseconds=1)),
        replace(SECOND, first_entry=5),
        replace(SECOND, last_entry=7),
        replace(SECOND, entries=SECOND.entries[:-1] + b"\x00"),
        replace(SECOND, entries=b""),
        replace(SECOND, entries=SECOND.entries + SECOND.entries),
        replace(SECOND, mac=bytes(32)),
    ],
)
def test_any_column_of_a_seal_that_was_altered_shows(altered: Seal) -> None:
    assert [one.text for one in check_link(link(FIRST), altered, mac)] == ["Seal 2 was altered."]


def test_a_seal_made_anew_for_another_chain_does_not_follow() -> None:
    other = sealed(Link(1, 5, bytes(32)), 6)
    assert seal_mac(other, mac) == other.mac
    (found,) = check_link(link(FIRST), other, mac)
    assert found.text == "Seal 2 does not follow on the one before: the chain was put together anew."
