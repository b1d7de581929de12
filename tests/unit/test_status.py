from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.domain.status import MOVES, OPEN, Status, may_move, overall

REPORTS = [Status.SENT, Status.DELIVERED, Status.FAILED, Status.BOUNCED, Status.COMPLAINED]
"""What a provider may report, in any order, late and more than once."""

PROGRESS = {
    Status.SCHEDULED: 0,
    Status.QUEUED: 1,
    Status.SENDING: 2,
    Status.UNKNOWN: 3,
    Status.SENT: 4,
    Status.DELIVERED: 5,
}
"""How far along each status is; whatever is not here is the end."""
END = 6
BACKWARDS = {
    # Outside lawful hours; and a try that certainly failed waits for the next.
    (Status.QUEUED, Status.SCHEDULED),
    (Status.SENDING, Status.SCHEDULED),
    # Sent again by an explicit policy, once nothing settled it.
    (Status.UNKNOWN, Status.QUEUED),
}
LATE = {(Status.DELIVERED, Status.BOUNCED), (Status.DELIVERED, Status.COMPLAINED)}

statuses = st.sampled_from(Status)


def progress(status: Status) -> int:
    return PROGRESS.get(status, END)


def after(status: Status, wanted: list[Status]) -> list[Status]:
    """Apply what was wanted, one by one, as far as it is legal."""
    passed = [status]
    for new in wanted:
        if may_move(passed[-1], new):
            passed.append(new)
    return passed


def test_every_status_has_its_moves() -> None:
    assert MOVES.keys() == set(Status)


@given(statuses, st.lists(statuses, max_size=20))
def test_a_status_only_moves_forward(start: Status, wanted: list[Status]) -> None:
    for old, new in pairwise(after(start, wanted)):
        assert progress(new) > progress(old) or (old, new) in BACKWARDS


@given(statuses, st.lists(st.sampled_from(REPORTS), max_size=20))
def test_reports_never_lead_back_whatever_their_order(start: Status, reports: list[Status]) -> None:
    for old, new in pairwise(after(start, reports)):
        assert progress(new) > progress(old)


@given(statuses, st.lists(statuses, max_size=20))
def test_what_is_final_stays_but_for_a_delivery_that_turns_out_otherwise(
    start: Status, wanted: list[Status]
) -> None:
    for old, new in pairwise(after(start, wanted)):
        assert old in OPEN or old in {Status.SENT, Status.UNKNOWN} or (old, new) in LATE


@given(statuses, st.lists(st.sampled_from(REPORTS), max_size=10))
def test_a_report_that_comes_again_changes_nothing(start: Status, reports: list[Status]) -> None:
    doubled = [report for report in reports for _ in range(2)]
    assert after(start, doubled) == after(start, reports)


@given(st.permutations(REPORTS))
def test_a_complaint_or_bounce_wins_over_a_delivery_in_either_order(reports: list[Status]) -> None:
    assert after(Status.SENT, reports)[-1] in {Status.FAILED, Status.BOUNCED, Status.COMPLAINED}


@pytest.mark.parametrize("status", [Status.SKIPPED, Status.CANCELLED, Status.EXPIRED])
@given(wanted=st.lists(st.sampled_from([*REPORTS, Status.UNKNOWN, Status.SENDING])))
def test_what_never_left_is_never_said_to_have_left(status: Status, wanted: list[Status]) -> None:
    assert after(status, wanted) == [status]


def test_every_end_can_be_reached() -> None:
    reached, found = {Status.SCHEDULED}, {Status.SCHEDULED}
    while found:
        found = {new for old in found for new in MOVES[old]} - reached
        reached |= found
    assert reached == set(Status)


@given(st.lists(statuses, min_size=1, max_size=8))
def test_a_notification_is_as_far_as_its_least_advanced_message(messages: list[Status]) -> None:
    result = overall(messages)
    considered = [status for status in messages if status is not Status.SKIPPED]
    assert result is Status.SKIPPED if not considered else result in considered
    assert all(progress(result) <= progress(status) for status in considered)
    assert overall(messages[::-1]) is result


def test_only_skipped_messages_make_a_skipped_notification() -> None:
    assert overall([Status.SKIPPED, Status.SKIPPED]) is Status.SKIPPED
    assert overall([Status.SKIPPED, Status.DELIVERED]) is Status.DELIVERED
    assert overall([Status.QUEUED, Status.DELIVERED, Status.SKIPPED]) is Status.QUEUED
