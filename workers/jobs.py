"""The functions named in Redis: ids in, a use case called."""

from notify.domain.requests import Lane
from workers import runtime


def deliver(lane: str, dispatch_ids: list[int]) -> int:
    """Deliver these dispatches, and drain their lane."""
    return runtime.drain(Lane(lane), dispatch_ids)
