"""Providers by weight, and away from those that err, are slow or are held."""

from collections import Counter
from itertools import cycle
from typing import Any

import pytest

from notify.domain.catalogue import Channel
from notify.domain.health import COMING_BACK, FIRST_PAUSE, LEFT_TO_SMALL, LONGEST_PAUSE, PROBE_LEASE
from notify.domain.outcome import Accepted, Ambiguous, Outcome, Refused, Transient
from notify.usecases.delivery.choosing_providers import WORTH_WAITING, HealthyProviders
from tests.doubles import FakeProvider

GOOD = Accepted("x")
BROKEN = Transient("connection refused")
LOST = Ambiguous("timed out")
LIMITED = Transient("rate limited: 429", 20.0)


class Room:
    """Two providers of e-mail and one of SMS, with a clock, dice and holds in a test's hands."""

    def __init__(self, *weights: int) -> None:
        self.now = 1000.0
        self.holds: dict[str, float] = {}
        self.told: list[tuple[str, bool]] = []
        self.names = ("sendgrid", "smtp")[: len(weights)]
        self.by_name: dict[str, FakeProvider[Any]] = {name: FakeProvider(name=name) for name in self.names}
        self.texts: FakeProvider[Any] = FakeProvider(name="twilio")
        self.outbox: FakeProvider[Any] = FakeProvider(name="outbox")
        dice = cycle(number / 100 for number in range(100))
        self.providers = HealthyProviders(
            {
                Channel.EMAIL: [
                    (self.by_name[name], weight) for name, weight in zip(self.names, weights, strict=True)
                ],
                Channel.SMS: [(self.texts, 1)],
            },
            dict.fromkeys(Channel, self.outbox),
            held=lambda name: max(0.0, self.holds.get(name, 0.0) - self.now),
            tell=lambda name, up: self.told.append((name, up)),
            random=lambda: next(dice),
            clock=lambda: self.now,
        )

    def choose(self, messages: int = 1) -> str:
        return self.providers.choose(Channel.EMAIL, test=False, messages=messages).name

    def report(self, name: str, *outcomes: Outcome, seconds: float = 0.1, times: int = 1) -> None:
        for _ in range(times):
            self.providers.report(self.by_name[name], outcomes, seconds)

    def shares(self, calls: int = 100) -> Counter[str]:
        return Counter(self.choose() for _ in range(calls))

    def shares_of_many(self, messages: int = 500) -> Counter[str]:
        return Counter(self.choose(messages) for _ in range(100))

    def lose_sendgrid(self) -> None:
        self.report("sendgrid", BROKEN, times=3)
        assert self.shares() == {"smtp": 100}


def test_weights() -> None:
    assert Room(3, 1).shares() == {"sendgrid": 75, "smtp": 25}


def test_test_keys_end_in_the_outbox() -> None:
    room = Room(1, 1)
    assert {room.providers.choose(channel, test=True, messages=9).name for channel in Channel} == {"outbox"}
    room.providers.report(room.outbox, [BROKEN], 0.1)


@pytest.mark.parametrize("bad", [BROKEN, LOST])
def test_three_errors_in_a_row_are_enough(bad: Outcome) -> None:
    room = Room(3, 1)
    room.report("sendgrid", bad, bad, times=2)
    assert room.shares()["sendgrid"] == 75
    room.report("sendgrid", bad)
    assert room.shares() == {"smtp": 100}
    assert room.told == [("sendgrid", True), ("smtp", True), ("twilio", True), ("sendgrid", False)]


def test_half_of_the_last_twenty_is_too_many() -> None:
    room = Room(1, 1)
    for _ in range(9):
        room.report("sendgrid", BROKEN)
        room.report("sendgrid", GOOD)
    room.report("sendgrid", GOOD)
    assert room.shares()["sendgrid"] == 50
    room.report("sendgrid", BROKEN)
    assert room.shares() == {"smtp": 100}


def test_what_is_refused_for_one_messages_sake_is_not_the_providers_fault() -> None:
    room = Room(1, 1)
    room.report("sendgrid", Refused("550 no such user"), times=30)
    room.report("sendgrid", BROKEN, BROKEN, GOOD, times=30)
    assert room.shares()["sendgrid"] == 50


def test_a_limit_is_no_error_and_meanwhile_the_other_takes_over() -> None:
    room = Room(1, 1)
    room.holds["sendgrid"] = room.now + 20
    room.report("sendgrid", LIMITED, times=30)
    assert room.shares() == {"smtp": 100}
    room.holds["smtp"] = room.now + 10
    assert room.choose() == "smtp"  # the first that may be called again
    room.now += 21
    assert room.shares()["sendgrid"] == 50
    assert ("sendgrid", False) not in room.told


def test_one_call_at_a_time_finds_out_whether_it_is_well_again() -> None:
    room = Room(1, 1)
    room.lose_sendgrid()
    room.now += FIRST_PAUSE - 1
    assert room.shares() == {"smtp": 100}
    room.now += 1
    assert room.shares() == {"sendgrid": 1, "smtp": 99}
    room.report("sendgrid", GOOD)
    assert room.told[-1] == ("sendgrid", True)


def test_a_probe_that_nobody_reports_is_made_again() -> None:
    room = Room(1, 1)
    room.lose_sendgrid()
    room.now += FIRST_PAUSE
    assert room.choose() == "sendgrid"
    room.now += PROBE_LEASE - 1
    assert room.choose() == "smtp"
    room.now += 1
    assert room.choose() == "sendgrid"


def test_a_probe_that_fails_doubles_the_pause_up_to_five_minutes() -> None:
    room = Room(1, 1)
    room.lose_sendgrid()
    pause = FIRST_PAUSE
    for _ in range(6):
        room.now += pause
        assert room.choose() == "sendgrid"
        room.report("sendgrid", LOST)
        pause = min(pause * 2, LONGEST_PAUSE)
        room.now += pause - 1
        assert room.shares() == {"smtp": 100}
        room.now -= pause - 1


def test_calls_that_were_under_way_say_nothing_new() -> None:
    room = Room(1, 1)
    room.lose_sendgrid()
    room.report("sendgrid", GOOD, times=5)
    room.report("sendgrid", BROKEN, times=5)
    assert room.shares() == {"smtp": 100}
    room.now += FIRST_PAUSE
    assert room.choose() == "sendgrid"


def test_it_comes_back_little_by_little_and_one_relapse_ends_it() -> None:
    room = Room(1, 1)
    room.lose_sendgrid()
    room.now += FIRST_PAUSE
    room.choose()
    room.report("sendgrid", GOOD)
    assert 0 < room.shares()["sendgrid"] <= 10
    room.now += COMING_BACK / 2
    assert 25 <= room.shares()["sendgrid"] <= 45
    room.report("sendgrid", BROKEN)
    assert room.shares() == {"smtp": 100}
    room.now += FIRST_PAUSE
    assert room.shares() == {"smtp": 100}  # twice as long now
    room.now += FIRST_PAUSE
    assert room.choose() == "sendgrid"
    room.report("sendgrid", GOOD)
    room.now += COMING_BACK
    assert room.shares()["sendgrid"] == 50
    room.report("sendgrid", GOOD)
    room.report("sendgrid", BROKEN)
    assert room.shares()["sendgrid"] == 50


def test_far_slower_than_usual_is_as_bad_as_an_error() -> None:
    room = Room(1, 1)
    room.report("sendgrid", GOOD, seconds=0.3, times=20)
    room.report("sendgrid", GOOD, seconds=2.3, times=3)
    assert room.shares()["sendgrid"] == 50
    room.report("sendgrid", GOOD, seconds=6.5, times=3)
    assert room.shares() == {"smtp": 100}


def test_nobody_waits_long_even_if_it_is_usual() -> None:
    room = Room(1, 1)
    room.report("sendgrid", GOOD, seconds=8.2, times=3)
    assert room.shares() == {"smtp": 100}


def test_large_batches_are_compared_with_large_batches() -> None:
    room = Room(1, 1)
    room.report("sendgrid", GOOD, seconds=0.1, times=50)
    room.report("sendgrid", *[GOOD] * 1000, seconds=7.0, times=50)
    assert room.shares()["sendgrid"] == 50


def test_a_provider_that_stays_slower_becomes_usual_through_its_probes() -> None:
    room = Room(1, 1)
    room.report("sendgrid", GOOD, seconds=0.1, times=20)
    room.report("sendgrid", GOOD, seconds=3.0, times=3)
    assert room.shares() == {"smtp": 100}
    for _ in range(6):
        room.now += LONGEST_PAUSE
        if room.choose() == "sendgrid":
            room.report("sendgrid", GOOD, seconds=3.0)
    assert room.told[-1] == ("sendgrid", True)


def test_the_only_provider_is_always_chosen() -> None:
    room = Room(1)
    room.choose()
    room.report("sendgrid", BROKEN, times=5)
    room.holds["sendgrid"] = room.now + 100
    assert room.shares() == {"sendgrid": 100}
    assert room.told[-1] == ("sendgrid", False)
    room.report("sendgrid", BROKEN, times=50)
    room.report("sendgrid", GOOD)
    room.choose()
    room.report("sendgrid", GOOD)
    assert room.told[-1] == ("sendgrid", True)


def test_if_all_are_away_the_first_to_be_probed_is_chosen() -> None:
    room = Room(1, 1)
    room.report("smtp", BROKEN, times=3)
    room.now += 5
    room.report("sendgrid", BROKEN, times=3)
    assert room.shares() == {"smtp": 100}
    room.report("smtp", GOOD)
    assert room.told[-1] == ("smtp", True)
    assert room.shares() == {"smtp": 100}


def test_channels_do_not_concern_each_other() -> None:
    room = Room(1, 1)
    room.lose_sendgrid()
    assert room.providers.choose(Channel.SMS, test=False, messages=1).name == "twilio"


def test_calls_of_many_messages_go_by_weight_to_those_who_take_them() -> None:
    room = Room(3, 1)
    assert room.shares_of_many() == {"sendgrid": 75, "smtp": 25}
    room.by_name["smtp"].most = 1
    assert room.shares_of_many() == {"sendgrid": 100}
    assert room.shares() == {"sendgrid": 75, "smtp": 25}
    assert room.shares_of_many(1001) == {"sendgrid": 75, "smtp": 25}  # nobody takes so many


def test_who_takes_fewer_steps_in_where_nobody_else_may_be_used() -> None:
    room = Room(3, 1)
    room.by_name["smtp"].most = 1
    room.lose_sendgrid()
    assert room.shares_of_many() == {"smtp": 100}
    room.report("smtp", BROKEN, times=3)
    assert room.shares_of_many() == {"sendgrid": 100}  # parting them would help nobody


def test_many_messages_wait_for_a_short_hold_and_not_for_a_long_one() -> None:
    room = Room(3, 1)
    room.by_name["smtp"].most = 1
    room.holds["sendgrid"] = room.now + WORTH_WAITING
    assert room.shares_of_many() == {"sendgrid": 100}
    assert room.shares() == {"smtp": 100}
    room.holds["sendgrid"] += 1
    assert room.shares_of_many() == {"smtp": 100}


def test_a_probe_is_left_to_a_single_message_for_a_while() -> None:
    room = Room(1, 1)
    room.lose_sendgrid()
    room.now += FIRST_PAUSE
    assert room.shares_of_many() == {"smtp": 100}
    assert room.choose() == "sendgrid"
    room.report("sendgrid", BROKEN)
    room.now += FIRST_PAUSE * 2 + LEFT_TO_SMALL
    assert room.shares_of_many() == {"sendgrid": 1, "smtp": 99}


def test_nothing_is_parted_for_the_sake_of_a_probe() -> None:
    room = Room(1, 1)
    room.by_name["smtp"].most = 1
    room.report("smtp", BROKEN, times=3)
    room.now += FIRST_PAUSE + LEFT_TO_SMALL
    assert room.shares_of_many() == {"sendgrid": 100}
    assert room.choose() == "smtp"
