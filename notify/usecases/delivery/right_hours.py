"""When an SMS may leave: marketing inside its lawful window, and a late order not at night."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from notify.domain.campaigns import NOBODY
from notify.domain.catalogue import Channel
from notify.domain.delivery import Letter
from notify.domain.hours import LATE_AFTER, morning_after, zone_of
from notify.domain.windows import LawfulHours

_ON_ITS_WAY: Final = timedelta(minutes=1)
"""How long before a window closes an SMS is given up by who carries it: a call may begin after its check."""


class Hour(NamedTuple):
    """What the clock says of a message: it has to wait, or must have arrived by `ends`, or may never go."""

    waits_until: datetime | None = None
    ends: datetime | None = None
    never: bool = False


_ANY: Final = Hour()


@dataclass(frozen=True, slots=True)
class RightHours:
    """Knows the two rules of hours. E-mail has none; a test goes to its author, who asked for it now."""

    lawful: LawfulHours

    def __call__(self, letter: Letter, *, marketing: bool, planned_at: datetime, now: datetime) -> Hour:
        """Decide on one letter that was to leave at `planned_at`."""
        if letter.channel is not Channel.SMS or letter.recipient_id == NOBODY:
            return _ANY
        if not marketing:
            late = now - planned_at > LATE_AFTER
            return Hour(morning_after(now, zone_of(letter.timezone, letter.country))) if late else _ANY
        span = self.lawful.span(letter.country, letter.timezone, now)
        if span is None:
            return Hour(never=True)
        return Hour(span.opens) if span.opens > now else Hour(ends=span.closes - _ON_ITS_WAY)
