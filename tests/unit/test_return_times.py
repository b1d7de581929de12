"""What a provider's limits sent away is looked for whenever the next of it is due."""

from datetime import UTC, datetime, timedelta

from notify.domain.requests import Lane
from notify.usecases.delivery.return_times import ReturnTimes

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_each_moment_is_told_once_it_is_the_next() -> None:
    times = ReturnTimes()
    for seconds in (3, 1, 2):
        times.add(Lane.URGENT, NOW + timedelta(seconds=seconds))
    told = [times.next_after(Lane.URGENT, NOW + timedelta(seconds=seconds)) for seconds in range(4)]
    assert told == [NOW + timedelta(seconds=1), NOW + timedelta(seconds=2), NOW + timedelta(seconds=3), None]


def test_each_lane_has_its_own() -> None:
    times = ReturnTimes()
    times.add(Lane.BULK, NOW + timedelta(seconds=1))
    assert times.next_after(Lane.URGENT, NOW) is None
