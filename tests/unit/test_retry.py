from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.domain.retry import FIRST_DELAY, LONGEST_DELAY, retry_at

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=24)
jitters = st.floats(0, 1, exclude_max=True)
attempts = st.integers(1, 10_000)


def delay(attempt: int, *, retry_after: float | None = None, jitter: float = 1.0) -> float:
    at = retry_at(attempt, NOW, retry_after=retry_after, give_up_at=LATER, jitter=jitter)
    assert at is not None
    return (at - NOW).total_seconds()


@pytest.mark.parametrize(
    ("attempt", "seconds"), [(1, 5), (2, 10), (3, 20), (9, 1280), (10, 1800), (11, 1800), (10_000, 1800)]
)
def test_each_wait_is_twice_the_last_up_to_half_an_hour(attempt: int, seconds: float) -> None:
    assert delay(attempt) == seconds
    assert delay(attempt, jitter=0) == seconds / 2


@given(attempts, jitters)
def test_a_wait_is_within_its_bounds(attempt: int, jitter: float) -> None:
    assert FIRST_DELAY / 2 <= delay(attempt, jitter=jitter) <= LONGEST_DELAY
    assert delay(attempt, jitter=jitter) <= delay(attempt + 1, jitter=jitter)


@given(attempts, jitters, st.floats(0, 80_000))
def test_nobody_comes_back_before_the_provider_said(attempt: int, jitter: float, retry_after: float) -> None:
    waited = delay(attempt, retry_after=retry_after, jitter=jitter)
    assert waited == pytest.approx(max(retry_after, delay(attempt, jitter=jitter)), abs=1e-6)


@given(attempts, jitters, st.none() | st.floats(), st.timedeltas(timedelta(days=-2), timedelta(days=2)))
def test_nothing_is_tried_after_the_end(
    attempt: int, jitter: float, retry_after: float | None, left: timedelta
) -> None:
    end = NOW + left
    at = retry_at(attempt, NOW, retry_after=retry_after, give_up_at=end, jitter=jitter)
    assert at is None or NOW < at <= end


def test_the_end_itself_is_in_time_and_a_moment_later_is_not() -> None:
    end = NOW + timedelta(seconds=10)
    assert retry_at(1, NOW, retry_after=10, give_up_at=end, jitter=0) == end
    assert retry_at(1, NOW, retry_after=10.001, give_up_at=end, jitter=0) is None


@pytest.mark.parametrize("nonsense", [-5.0, float("nan"), float("inf"), float("-inf")])
def test_nonsense_from_the_provider_is_overlooked(nonsense: float) -> None:
    assert delay(1, retry_after=nonsense) == FIRST_DELAY
