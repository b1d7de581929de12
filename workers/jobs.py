"""The functions named in Redis: ids in, a use case called."""

from notify.domain.requests import Lane
from workers import runtime


def deliver(lane: str, dispatch_ids: list[int]) -> None:
    """Wake the lane's claimer, which finds these dispatches, and whatever else is due; wait for none."""
    del dispatch_ids  # they are for people who look at the queue
    runtime.pump(Lane(lane)).wake()
