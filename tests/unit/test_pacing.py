"""The throttle: never more messages in a minute than it says, however they are spread."""

from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from notify.domain.pacing import allot, minute_of, pause_after, slice_size

NOON = datetime(2026, 11, 23, 12, 0, 30, tzinfo=UTC)


@given(
    throttle=st.integers(12, 200_000),
    channels=st.integers(1, 2),
    shares=st.lists(st.floats(0.01, 1), min_size=1, max_size=40),
)
@example(throttle=37, channels=1, shares=[1.0] * 7)  # seven slices of six
def test_slices_and_pauses_keep_to_the_throttle(throttle: int, channels: int, shares: list[float]) -> None:
    at, made = timedelta(), []
    for share in shares:  # of a slice, some are skipped
        most = slice_size(throttle, channels, 5000) * channels
        made.append((at, max(1, int(most * share))))
        at += pause_after(most, throttle)
    for begin, _ in made:
        minute = [count for when, count in made if begin <= when < begin + timedelta(minutes=1)]
        assert sum(minute) <= throttle


def test_a_tiny_throttle_still_sends_one_recipient_after_the_other() -> None:
    assert slice_size(1, 2, 5000) == 1
    assert pause_after(2, 1) == timedelta(minutes=2)


def test_without_a_throttle_nothing_is_held_back() -> None:
    assert slice_size(None, 2, 5000) == 5000
    assert pause_after(5000, None) == timedelta()
    assert allot({}, NOON, 5000, None) == [(NOON, 5000)]


@given(
    wanted=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 50)), max_size=8), throttle=st.integers(1, 20)
)
def test_messages_by_local_time_are_spread_over_minutes_with_room(
    wanted: list[tuple[int, int]], throttle: int
) -> None:
    booked: dict[datetime, int] = {}
    by_minute: dict[datetime, int] = {}
    for minutes, count in wanted:
        earliest = NOON + timedelta(minutes=minutes)
        found = allot(booked, earliest, count, throttle)
        assert sum(one for _, one in found) == count
        for moment, one in found:
            assert moment >= earliest
            by_minute[minute_of(moment)] = by_minute.get(minute_of(moment), 0) + one
    assert all(count <= throttle for count in by_minute.values())
    assert by_minute == {minute: count for minute, count in booked.items() if count}


def test_who_comes_first_has_the_time_that_was_asked_for() -> None:
    assert allot({minute_of(NOON): 3}, NOON, 4, 5) == [
        (NOON, 2),
        (minute_of(NOON) + timedelta(minutes=1), 2),
    ]
