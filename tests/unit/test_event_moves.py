"""What events make of a message: forward only, in whatever order they come."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.domain.catalogue import Channel
from notify.domain.consent import Scope
from notify.domain.event_moves import (
    NOT_KEPT,
    TARGETS,
    Reported,
    Routed,
    moved,
    moves,
    opt_out_way,
    suppression,
)
from notify.domain.events import EventKind, ProviderEvent
from notify.domain.requests import Lane
from notify.domain.status import Status, may_move

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
FINAL = [Status.SKIPPED, Status.CANCELLED, Status.EXPIRED, Status.FAILED, Status.BOUNCED, Status.COMPLAINED]


def event(kind: EventKind, at: int = 0, *, hard: bool | None = None) -> ProviderEvent:
    return ProviderEvent("sendgrid", f"{kind}-{at}", kind, NOON + timedelta(seconds=at), hard=hard)


def message(status: Status) -> Reported:
    return Reported(7, 1, 1, Channel.EMAIL, 1, "fr", b"h", Lane.URGENT, status)


def test_every_kind_leads_somewhere_but_an_unknown_word() -> None:
    assert set(EventKind) - set(TARGETS) == {EventKind.UNKNOWN, *NOT_KEPT}


@pytest.mark.parametrize("old", FINAL)
@pytest.mark.parametrize("kind", list(EventKind))
def test_what_is_final_stays(old: Status, kind: EventKind) -> None:
    assert moved(old, event(kind, hard=True)) is None


@pytest.mark.parametrize("old", [Status.SCHEDULED, Status.QUEUED])
@pytest.mark.parametrize(
    "kind", [EventKind.DELIVERED, EventKind.BOUNCED, EventKind.COMPLAINED, EventKind.SENT]
)
def test_what_was_never_handed_over_cannot_be_reported_on(old: Status, kind: EventKind) -> None:
    assert moved(old, event(kind)) is None


@pytest.mark.parametrize(
    ("kind", "hard", "new"),
    [
        (EventKind.BOUNCED, True, Status.BOUNCED),
        (EventKind.BOUNCED, False, None),
        (EventKind.BOUNCED, None, None),
        (EventKind.COMPLAINED, None, Status.COMPLAINED),
        (EventKind.DROPPED, True, None),
        (EventKind.FAILED, True, None),
        (EventKind.SENT, None, None),
        (EventKind.OPENED, None, None),
    ],
)
def test_after_a_delivery_only_these_count(kind: EventKind, hard: bool | None, new: Status | None) -> None:  # noqa: FBT001
    assert moved(Status.DELIVERED, event(kind, hard=hard)) is new


@given(
    st.sampled_from([Status.SENDING, Status.SENT, Status.UNKNOWN, Status.DELIVERED]),
    st.lists(st.tuples(st.sampled_from(list(EventKind)), st.sampled_from([True, False, None])), max_size=4),
)
def test_the_order_of_arrival_does_not_matter_and_every_step_is_legal(
    start: Status, said: list[tuple[EventKind, bool | None]]
) -> None:
    events = [event(kind, number, hard=hard) for number, (kind, hard) in enumerate(said)]
    ends = set()
    for order in permutations(events):
        found = moves({7: message(start)}, [(7, one) for one in order])
        ends.add(found[0].status if found else start)
    assert len(ends) == 1
    status = start
    for one in events:
        new = moved(status, one)
        assert new is None or may_move(status, new)
        status = new or status
    assert ends == {status}


def test_events_of_other_messages_move_nothing() -> None:
    delivered = event(EventKind.DELIVERED)
    assert moves({7: message(Status.SENT)}, [(None, delivered), (8, delivered)]) == []


def test_who_is_barred_and_who_has_left() -> None:
    kinds = {
        kind: (suppression(event(kind, hard=True)), suppression(event(kind)), opt_out_way(event(kind)))
        for kind in EventKind
    }
    hard = (Scope.ALL, "hard_bounce")
    assert {kind: found for kind, found in kinds.items() if any(found)} == {
        EventKind.BOUNCED: (hard, None, None),
        EventKind.DROPPED: (hard, None, None),
        EventKind.FAILED: (hard, None, None),
        EventKind.COMPLAINED: ((Scope.MARKETING, "complaint"), (Scope.MARKETING, "complaint"), "complaint"),
        EventKind.UNSUBSCRIBED: (None, None, "provider"),
    }


def test_what_is_dropped_for_an_earlier_report_counts_as_that_report() -> None:
    earlier = {
        because: event(EventKind.DROPPED)._replace(because=because)
        for because in (EventKind.COMPLAINED, EventKind.UNSUBSCRIBED)
    }
    assert {because: (suppression(one), opt_out_way(one)) for because, one in earlier.items()} == {
        EventKind.COMPLAINED: ((Scope.MARKETING, "complaint"), "complaint"),
        EventKind.UNSUBSCRIBED: (None, "provider"),
    }
    assert {moved(Status.SENT, one) for one in earlier.values()} == {Status.FAILED}


def test_the_next_channel_is_for_open_fallbacks_alone() -> None:
    both = [Channel.EMAIL, Channel.SMS]
    route = Routed(both, None)
    assert route.after(Channel.EMAIL, NOON) is Channel.SMS
    assert route.after(Channel.SMS, NOON) is None
    assert Routed(both, NOON).after(Channel.EMAIL, NOON) is None
    assert Routed([Channel.SMS], None).after(Channel.EMAIL, NOON) is None
