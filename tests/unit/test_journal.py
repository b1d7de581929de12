"""What the lines of a journal come to, in whatever order and however often they were written."""

import json
from datetime import UTC, datetime
from typing import Any

from notify.domain.catalogue import Channel
from notify.domain.consent import Scope
from notify.domain.journal import JournalState, barred_line, erased_line, last_head, lifted_line, written
from notify.domain.suppressions import STOP

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
ONE, OTHER = b"1" * 16, b"2" * 16


def choice(entry: int, *, subscribed: bool, hashes: tuple[bytes, ...] = (ONE,), recipient: int = 7) -> str:
    line: dict[str, Any] = {"kind": "choice", "entry": entry, "at": "2026-11-23T12:00:00.000Z"}
    line |= {"recipient": recipient, "topic": 2, "channel": "email", "way": "link", "message": 40 + entry}
    return written({**line, "subscribed": subscribed, "hashes": [value.hex() for value in hashes]})


def barred(number: int, scope: Scope = Scope.MARKETING) -> str:
    line = barred_line(Channel.SMS, ONE, STOP, scope=scope, at=AT, until=None)
    return written({"line": number, **line})


def lifted(number: int) -> str:
    return written({"line": number, **lifted_line(Channel.SMS, ONE, STOP)})


def read(*lines: str) -> JournalState:
    state = JournalState()
    state.read(lines)
    return state


def test_the_last_entry_counts_wherever_its_line_stands() -> None:
    state = read(choice(5, subscribed=True), choice(3, subscribed=False), choice(5, subscribed=True))
    assert state.last_opt_outs() == []
    assert [
        one.entry for one in read(choice(3, subscribed=True), choice(5, subscribed=False)).last_opt_outs()
    ] == [5]


def test_an_address_that_was_left_stays_so_when_the_person_comes_back_with_another() -> None:
    state = read(choice(3, subscribed=False, hashes=(ONE,)), choice(4, subscribed=True, hashes=(OTHER,)))
    (left,) = state.last_opt_outs()
    assert (left.entry, state.still_out(left)) == (3, [ONE])


def test_an_address_counts_under_whatever_recipient() -> None:
    state = read(choice(3, subscribed=False, recipient=7), choice(4, subscribed=True, recipient=8))
    (left,) = state.last_opt_outs()
    assert (left.recipient, state.still_out(left)) == (7, [])


def test_a_line_that_is_written_twice_bars_nobody_whose_bar_was_lifted() -> None:
    assert not read(barred(1), lifted(2), barred(1), lifted(2)).bars
    assert not read(barred(1), lifted(2), barred(1)).bars
    assert len(read(barred(1), lifted(2), barred(3)).bars) == 1


def test_a_bar_only_gets_wider() -> None:
    (bar,) = read(barred(1, Scope.ALL), barred(2, Scope.MARKETING)).bars.values()
    assert bar.scope is Scope.ALL


def test_numbers_are_the_highest_that_any_line_tells() -> None:
    numbers = '{"kind":"numbers","messages":12,"notifications":9,"at":"2026-11-23T12:00:00.000Z"}'
    erased = written(erased_line(99, [(Channel.EMAIL, ONE)], AT))
    state = read(numbers, choice(3, subscribed=False), erased)
    assert state.numbers == {"messages": 43, "notifications": 9, "consent_records": 3, "recipients": 99}
    assert state.erased[99].hashes == ((Channel.EMAIL, ONE),)


def test_torn_lines_and_those_of_later_versions_are_left_out() -> None:
    state = read(
        '{"kind":"ch', "\x00\x00", "[1]", '{"kind":"choice"}', "", '{"kind":"something new"}', barred(1)
    )
    assert (state.lines, state.unreadable, len(state.bars)) == (6, 4, 1)


def test_heads_of_seals_that_a_restore_lost_are_forgotten() -> None:
    heads = [json.dumps({"kind": "seal", "seal": number, "mac": f"m{number}"}) for number in (1, 2, 3)]
    assert last_head(heads) == "3:m3"
    restored = '{"kind":"restored","seal":1}'
    assert last_head([*heads, restored]) == "1:m1"
    assert last_head([*heads, restored, '{"kind":"seal","seal":2,"mac":"new"}']) == "2:new"
    assert last_head([]) is None
