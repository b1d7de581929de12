"""Turns: so many at once, in order, and nobody held up by a turn that does not end."""

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from notify.web.turns import Turns

LONG = 30.0


def test_no_more_than_allowed_have_a_turn_at_once_and_all_get_one() -> None:
    turns, inside, most, lock = Turns(2, LONG), 0, 0, threading.Lock()

    def work(_: int) -> bool:
        nonlocal inside, most
        with turns.one() as had:
            with lock:
                inside += 1
                most = max(most, inside)
            with lock:
                inside -= 1
        return had

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(400)))
    assert most <= 2


def test_a_turn_that_does_not_end_holds_nobody_up() -> None:
    turns = Turns(1, 0.01)
    with turns.one() as first, turns.one() as second:
        assert (first, second) == (True, False)
    with turns.one() as later:
        assert later


def test_a_turn_comes_back_from_work_that_failed() -> None:
    turns = Turns(1, 0.01)
    with pytest.raises(RuntimeError), turns.one():
        raise RuntimeError
    with turns.one() as had:
        assert had


def test_none_is_lost_when_it_comes_just_as_patience_ends() -> None:
    turns, rounds = Turns(2, 0.0005), count()

    def work(_: int) -> None:
        with turns.one():
            threading.Event().wait(0.0005 if next(rounds) % 2 else 0)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(400)))
    with turns.one() as first, turns.one() as second, turns.one() as third:
        assert (first, second, third) == (True, True, False)
