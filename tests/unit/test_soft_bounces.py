"""Too many soft bounces in a row: counted by address, forgiven by a delivery."""

from datetime import UTC, datetime, timedelta

from notify.domain.soft_bounces import CountedBounce, SoftBounceRule, weigh

START = datetime(2026, 11, 1, tzinfo=UTC)
RULE = SoftBounceRule(limit=3, window=timedelta(days=30))
A, B = b"a" * 16, b"b" * 16


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def bounce(number: int, at: float, address: bytes = A) -> CountedBounce:
    return CountedBounce(number, address, day(at))


def test_the_limit_within_the_window_is_too_many() -> None:
    counted = [bounce(1, 0), bounce(2, 10)]
    assert weigh(counted, [bounce(3, 29)], {}, RULE).too_many == [A]
    assert weigh(counted, [bounce(3, 31)], {}, RULE).too_many == []
    assert weigh(counted, [bounce(3, 20, B)], {}, RULE).too_many == []


def test_a_message_counts_once() -> None:
    found = weigh([bounce(1, 0), bounce(2, 1)], [bounce(2, 2)], {}, RULE)
    assert (found.added, found.too_many) == ([], [])


def test_a_delivery_forgives_what_was_before_it_and_not_what_came_after() -> None:
    found = weigh([bounce(1, 0), bounce(2, 1)], [bounce(3, 3)], {A: day(2)}, RULE)
    assert found.forgiven == [1, 2]
    assert [one.message_id for one in found.added] == [3]
    assert (found.too_many, found.working) == ([], [])
    late = weigh([bounce(1, 0), bounce(2, 5)], [], {A: day(2)}, RULE)
    assert (late.forgiven, late.working) == ([1], [])


def test_an_address_whose_bounces_are_all_forgiven_works_again() -> None:
    assert weigh([bounce(1, 0)], [], {A: day(2)}, RULE).working == [A]
    assert weigh([], [bounce(1, 1)], {A: day(2)}, RULE).added == []
