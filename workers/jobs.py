"""The functions named in Redis: ids in, a use case called."""

from notify.domain.requests import Lane
from workers import runtime


def deliver(lane: str, dispatch_ids: list[int]) -> None:
    """Wake a thread for each of these dispatches, or all threads where none is named; wait for none."""
    runtime.pump(Lane(lane)).wake(len(dispatch_ids) or None)
