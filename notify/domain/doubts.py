"""Calls that broke off: when to look for word of them, and what is done when none comes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from notify.domain.catalogue import Channel
from notify.domain.requests import Lane

WINDOW: Final = timedelta(minutes=30)
"""For so long word of a call is awaited, before an order update may be sent again."""

FIRST_LOOK: Final = timedelta(seconds=5)
"""An answer that is merely late comes first."""

ASK_AGAIN: Final = timedelta(minutes=1)
"""When the provider could not be asked at the end of the window."""

STALE: Final = timedelta(hours=24)
"""What was to be sent so long ago is not sent again: its retries have ended too."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A dispatch of one message of which nobody knows whether its call went through.

    `address` is what it was sent to, None if that is not known any more. `since` is when the call was given
    up, `calls` how many of its calls broke off.
    """

    dispatch_id: int
    message_id: int
    recipient_id: int
    notification_id: int | None
    channel: Channel
    topic: int
    lane: Lane
    provider: str
    address: str | None
    since: datetime
    planned_at: datetime
    expires_at: datetime | None
    calls: int


class Verdict(StrEnum):
    """What is done about a doubt for which no word has come."""

    LOOK_AGAIN = "look_again"
    LEAVE = "leave"
    SEND_AGAIN = "send_again"


def next_look(doubt: Doubt, now: datetime) -> datetime:
    """Return when to look next: after pauses that grow with the age, and at the end of the window."""
    ends = doubt.since + WINDOW
    if now >= ends:
        return now + ASK_AGAIN
    return min(now + max(FIRST_LOOK, now - doubt.since), ends)


def verdict(doubt: Doubt, now: datetime, *, transactional: bool, resend: bool, asked: bool) -> Verdict:
    """Decide on a doubt for which no word has come; `asked`: its provider was, or has no list to look in.

    Marketing is never sent again on a guess. An order update is, once, where the policy says so.
    """
    if now < doubt.since + WINDOW:
        return Verdict.LOOK_AGAIN
    over = now >= doubt.planned_at + STALE or (doubt.expires_at is not None and now >= doubt.expires_at)
    if not (transactional and resend) or over or doubt.calls > 1:
        return Verdict.LEAVE
    return Verdict.SEND_AGAIN if asked else Verdict.LOOK_AGAIN
