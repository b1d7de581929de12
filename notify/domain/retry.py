"""When to try again after a provider certainly did not take a message."""

from datetime import datetime, timedelta
from math import isfinite
from typing import Final

FIRST_DELAY: Final = 5.0
"""Seconds before the second try; each further one waits twice as long."""

LONGEST_DELAY: Final = 1800.0
"""Seconds; a provider that was away for hours is found back within half of one."""

_DOUBLINGS: Final = 10  # 5 s × 2¹⁰ is past the longest delay; further powers only grow


def retry_at(
    attempt: int, now: datetime, *, retry_after: float | None, give_up_at: datetime, jitter: float
) -> datetime | None:
    """Return when to try again after try number `attempt` (from 1), None if that is later than `give_up_at`.

    `retry_after` (seconds; RFC 9110, 10.2.3) is the least to wait, if the provider named it. `jitter`, drawn
    from [0, 1), spreads the tries over the second half of the delay, so that what failed together does
    not come back together.
    """
    delay = min(FIRST_DELAY * 2 ** min(attempt - 1, _DOUBLINGS), LONGEST_DELAY) * (0.5 + 0.5 * jitter)
    if retry_after is not None and isfinite(retry_after):
        delay = max(delay, retry_after)
    # Compared as seconds: a Retry-After may be larger than a date can hold.
    if delay > (give_up_at - now).total_seconds():
        return None
    return now + timedelta(seconds=delay)
