"""How fast a campaign goes: its throttle, in messages a minute at most."""

from collections.abc import Callable, MutableMapping
from datetime import datetime, timedelta
from typing import Final

_MINUTE: Final = timedelta(minutes=1)
_MINUTE_IN_MICROSECONDS: Final = 60_000_000
_SLICES_A_MINUTE: Final = 6


def slice_size(throttle: int | None, channels: int, largest: int) -> int:
    """Return how many recipients, each with up to `channels` messages, the next slice may have."""
    if throttle is None:
        return largest
    return max(1, min(largest, throttle // (_SLICES_A_MINUTE * channels)))


def pause_after(most: int, throttle: int | None) -> timedelta:
    """Return how long to wait after a slice that could have had so many messages.

    Not those it had: after a small slice and a short pause, a large one could be too much for the minute.
    """
    if throttle is None or most == 0:
        return timedelta()
    # Whole slices: with the share of a minute that a slice is, one too many could begin within sixty seconds.
    slices = throttle // most
    wait = _MINUTE_IN_MICROSECONDS if slices else _MINUTE_IN_MICROSECONDS * most
    return timedelta(microseconds=-(-wait // (slices or throttle)))  # rounded up


def allot(
    booked: MutableMapping[datetime, int],
    earliest: datetime,
    wanted: int,
    throttle: int | None,
    lawful: Callable[[datetime], datetime] = lambda at: at,
) -> list[tuple[datetime, int]]:
    """Spread messages that are to leave together over minutes with room, from `earliest` on.

    `booked` says how many each minute has so far, by its beginning; it is brought up to date. `lawful`
    returns the first moment from another on at which they may leave.
    """
    if throttle is None:
        return [(earliest, wanted)]
    minute = minute_of(earliest)
    found = []
    while wanted > 0:
        minute = minute_of(lawful(max(minute, earliest)))
        count = min(wanted, throttle - booked.get(minute, 0))
        if count > 0:
            found.append((max(minute, earliest), count))
            booked[minute] = booked.get(minute, 0) + count
            wanted -= count
        minute += _MINUTE
    return found


def minute_of(at: datetime) -> datetime:
    """Return the beginning of a moment's minute."""
    return at.replace(second=0, microsecond=0)
