"""Limits hold whatever is asked, and orders overtake."""

import json
from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.domain.delivery import PlannedCall
from notify.domain.rate_limits import LONGEST_WAIT_SECONDS, RANKS, Limits, Meter, bare, read_limits
from notify.domain.requests import Lane
from notify.settings import EMAIL_PROVIDERS, SMS_PROVIDERS

Step = tuple[float, Lane, int]
"""Seconds since the step before, a lane, and messages."""

STEPS = st.lists(
    st.tuples(st.floats(0, 3), st.sampled_from(RANKS), st.integers(1, 60)), min_size=1, max_size=60
)
RATES = st.sampled_from([0.5, 1.0, 7.0, 10.0, 100.0])
_NUMBERS = count()


def call(lane: Lane, messages: int = 1) -> PlannedCall:
    return PlannedCall(f"call-{next(_NUMBERS)}", "twilio", "Smarttontin", lane, messages)


def replay(
    meter: Meter, steps: Sequence[Step], kept: frozenset[Lane]
) -> list[tuple[float, Lane, int, float]]:
    """Ask for one call after another, of these lanes; return when, what, and the answer."""
    now, found = 1_700_000_000.0, []
    for pause, lane, messages in steps:
        now += pause
        if lane in kept:
            (wait,) = meter.admit([call(lane, messages)], now)
            found.append((now, lane, messages, wait))
    return found


@given(rate=RATES, steps=STEPS)
def test_never_more_than_the_rate_and_what_was_saved_up(rate: float, steps: list[Step]) -> None:
    limits = Limits(per_second=rate, bulk_concurrent=1000)
    begun = [
        (at, lane, messages)
        for at, lane, messages, wait in replay(Meter(limits, 30), steps, frozenset(RANKS))
        if not wait
    ]
    for first in range(len(begun)):
        for last in range(first, len(begun)):
            some = begun[first : last + 1]
            seconds = some[-1][0] - some[0][0]
            at_once = sum(
                max([limits.burst, *(messages for _, one, messages in some if one is lane)])
                for lane in {lane for _, lane, _ in some}
            )
            assert sum(messages for _, _, messages in some) <= rate * seconds + at_once + 1e-3


@given(rate=RATES, steps=STEPS)
def test_a_lane_is_answered_as_if_those_behind_it_were_not_there(rate: float, steps: list[Step]) -> None:
    limits = Limits(per_second=rate, bulk_concurrent=1000)
    for rank, lane in enumerate(RANKS):
        alone = replay(Meter(limits, 30), steps, frozenset(RANKS[: rank + 1]))
        crowded = replay(Meter(limits, 30), steps, frozenset(RANKS))
        assert [one for one in alone if one[1] is lane] == [one for one in crowded if one[1] is lane]


@given(
    concurrent=st.integers(3, 40),
    steps=st.lists(st.tuples(st.sampled_from(RANKS), st.booleans()), max_size=120),
)
def test_orders_always_find_the_places_kept_for_them(concurrent: int, steps: list[tuple[Lane, bool]]) -> None:
    limits = Limits(concurrent=concurrent, bulk_concurrent=8)
    meter = Meter(limits, lease=1e9)
    flying: list[PlannedCall] = []
    for number, (lane, ends) in enumerate(steps):
        if ends and flying:
            meter.finished(flying.pop(0).key)
        asked = call(lane, 2)
        urgent = sum(one.lane is Lane.URGENT for one in flying)
        (wait,) = meter.admit([asked], number / 1000)
        if lane is Lane.URGENT and urgent < limits.reserve:
            assert wait == 0
        if not wait:
            flying.append(asked)
        assert len(flying) <= concurrent
        assert sum(one.lane is Lane.BULK for one in flying) <= min(8, concurrent - 2 * limits.reserve)


@given(rate=RATES, messages=st.integers(1, 2000), lane=st.sampled_from(RANKS))
def test_who_waits_as_told_may_begin(rate: float, messages: int, lane: Lane) -> None:
    meter, now, wait = Meter(Limits(per_second=rate, bulk_concurrent=1000), 30), 1_700_000_000.0, 0.0
    while not wait:
        (wait,) = meter.admit([call(lane, messages)], now)
    while wait:
        now += wait + 1e-5
        told = wait
        (wait,) = meter.admit([call(lane, messages)], now)
        assert wait == 0 or told == LONGEST_WAIT_SECONDS


def test_those_sent_away_at_once_come_back_one_after_another() -> None:
    meter = Meter(Limits(per_second=10), 30)
    waits = meter.admit([call(Lane.URGENT) for _ in range(6)], 100.0)
    assert waits == pytest.approx([0, 0, 0.05, 0.15, 0.25, 0.35])


def test_a_batch_may_be_larger_than_what_is_saved_up_and_leaves_a_debt() -> None:
    meter = Meter(Limits(per_second=500), 30)
    assert meter.admit([call(Lane.BULK, 1000), call(Lane.BULK, 1000)], 100.0) == pytest.approx([0, 2.0])
    assert meter.admit([call(Lane.URGENT)], 100.0) == [0.0]
    assert meter.admit([call(Lane.BULK, 1000)], 102.01) == [0.0]


def test_a_campaign_makes_room_for_an_order_that_found_no_place() -> None:
    meter = Meter(Limits(concurrent=4), lease=30)
    orders = [call(Lane.URGENT) for _ in range(4)]
    assert meter.admit(orders, 0.0) == [0.0] * 4
    assert meter.admit([call(Lane.URGENT)], 0.0)[0] > 0
    for one in orders:
        meter.finished(one.key)
    assert meter.admit([call(Lane.BULK)], 0.01)[0] > 0
    assert meter.admit([call(Lane.URGENT)], 0.02) == [0.0]
    assert meter.admit([call(Lane.BULK)], 0.2) == [0.0]


def test_a_call_that_never_came_back_stops_counting() -> None:
    meter = Meter(Limits(bulk_concurrent=1), lease=30)
    assert meter.admit([call(Lane.BULK, 2)], 0.0) == [0.0]
    assert meter.admit([call(Lane.BULK, 2)], 29.9)[0] > 0
    assert meter.admit([call(Lane.BULK, 2)], 30.1) == [0.0]


def test_calls_of_one_message_have_sixteen_times_the_places() -> None:
    meter = Meter(Limits(bulk_concurrent=1), lease=30)
    waits = meter.admit([call(Lane.BULK) for _ in range(17)], 0.0)
    assert [wait == 0.0 for wait in waits] == [True] * 16 + [False]


def test_a_hold_is_for_everybody_and_never_shrinks() -> None:
    meter = Meter(Limits(), lease=30)
    meter.hold(8.0)
    meter.hold(3.0)
    assert meter.admit([call(lane) for lane in RANKS], 5.0) == [3.0, 3.0, 3.0]
    assert meter.admit([call(lane) for lane in RANKS], 8.0) == [0.0, 0.0, 0.0]


def test_nobody_is_sent_away_for_long() -> None:
    meter = Meter(Limits(per_second=1), lease=30)
    meter.hold(1000.0)
    assert meter.admit([call(Lane.URGENT)], 0.0) == [LONGEST_WAIT_SECONDS]


def read(text: str) -> Any:
    return read_limits(json.loads(text), EMAIL_PROVIDERS | SMS_PROVIDERS)


def test_a_sender_has_its_own_limits_and_the_rest_of_its_provider() -> None:
    found = read(
        '{"twilio +33600000000": {"per_second": 1}, "twilio": {"per_second": 10, "concurrent": 20},'
        ' "sendgrid Nouvelles <News@example.org>": {"bulk_concurrent": 2}}'
    )
    assert found.of("twilio", "Smarttontin") == Limits(10, 20)
    assert found.of("twilio", "+33600000000") == Limits(1, 20)
    assert found.of("sendgrid", "Shop <news@example.org>") == Limits(bulk_concurrent=2)
    assert found.of("sendgrid", "Shop <orders@example.org>") == Limits()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "must be a JSON object"),
        ('{"mailgun": {"per_second": 1}}', "must begin with one of"),
        ('{"twilio": 10}', "object with some of"),
        ('{"twilio": {}}', "object with some of"),
        ('{"twilio": {"burst": 10}}', "object with some of"),
        ('{"twilio": {"per_second": 0}}', "per_second must be more than 0"),
        ('{"twilio": {"per_second": "10"}}', "per_second must be a number"),
        ('{"twilio": {"per_second": true}}', "per_second must be a number"),
        ('{"twilio": {"per_second": NaN}}', "per_second must be a number"),
        ('{"twilio": {"concurrent": 2.5}}', "concurrent must be a whole number"),
        ('{"twilio": {"concurrent": 2}}', "concurrent must be 3 or more"),
        ('{"twilio": {"bulk_concurrent": 0}}', "bulk_concurrent must be a whole number"),
    ],
)
def test_wrong_limits_are_refused_in_clear_words(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read(text)


@pytest.mark.parametrize(
    ("sender", "address"),
    [
        ("Smarttontine <News@Example.org>", "news@example.org"),
        ("Smarttontin", "smarttontin"),
        ("+221", "+221"),
    ],
)
def test_a_sender_is_known_by_its_bare_address(sender: str, address: str) -> None:
    assert bare(sender) == address
