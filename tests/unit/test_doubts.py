"""When to look for word of a call that broke off, and what is done without any."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from notify.domain.catalogue import Channel
from notify.domain.doubts import ASK_AGAIN, FIRST_LOOK, WINDOW, Doubt, Verdict, next_look, verdict
from notify.domain.requests import Lane

BROKE_OFF = datetime(2026, 11, 23, 12, tzinfo=UTC)
OVER = BROKE_OFF + WINDOW
DOUBT = Doubt(
    dispatch_id=1,
    message_id=7,
    recipient_id=1,
    notification_id=1,
    channel=Channel.SMS,
    topic=1,
    lane=Lane.URGENT,
    provider="twilio",
    address="+221771234567",
    since=BROKE_OFF,
    planned_at=BROKE_OFF,
    expires_at=None,
    calls=1,
)


def test_looks_grow_apart_and_end_with_the_window() -> None:
    looks = [BROKE_OFF + FIRST_LOOK]
    while looks[-1] < OVER:
        looks.append(next_look(DOUBT, looks[-1]))
    pauses = [later - earlier for earlier, later in pairwise(looks)]
    assert looks[-1] == OVER
    assert pauses[:-1] == sorted(pauses[:-1])
    assert len(looks) < 12
    assert next_look(DOUBT, OVER) == OVER + ASK_AGAIN


YES = {"transactional": True, "resend": True, "asked": True}


@pytest.mark.parametrize(
    ("changed", "at", "policy", "expected"),
    [
        ({}, OVER, YES, Verdict.SEND_AGAIN),
        ({}, OVER - timedelta(seconds=1), YES, Verdict.LOOK_AGAIN),
        ({}, OVER, YES | {"asked": False}, Verdict.LOOK_AGAIN),
        ({}, OVER, YES | {"resend": False}, Verdict.LEAVE),
        ({}, OVER, YES | {"transactional": False}, Verdict.LEAVE),
        ({"calls": 2}, OVER, YES, Verdict.LEAVE),
        ({"expires_at": OVER}, OVER, YES, Verdict.LEAVE),
        ({"expires_at": OVER + timedelta(seconds=1)}, OVER, YES, Verdict.SEND_AGAIN),
        ({"planned_at": OVER - timedelta(days=1)}, OVER, YES, Verdict.LEAVE),
        ({}, OVER + timedelta(days=1), YES | {"asked": False}, Verdict.LEAVE),
    ],
)
def test_only_an_order_update_is_sent_again_and_only_by_policy(
    changed: dict[str, Any], at: datetime, policy: dict[str, bool], expected: Verdict
) -> None:
    assert verdict(replace(DOUBT, **changed), at, **policy) is expected
