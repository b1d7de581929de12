"""When what a provider's limits sent away comes back, so that somebody looks for it in time."""

import heapq
import threading
from datetime import datetime

from notify.domain.requests import Lane


class ReturnTimes:
    """The moments, by lane, at which dispatches that were sent away are due again. Safe for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._heaps: dict[Lane, list[datetime]] = {lane: [] for lane in Lane}

    def add(self, lane: Lane, due_at: datetime) -> None:
        """Note one."""
        with self._lock:
            heapq.heappush(self._heaps[lane], due_at)

    def next_after(self, lane: Lane, now: datetime) -> datetime | None:
        """Return the next one that is still to come, and forget those that have come."""
        with self._lock:
            heap = self._heaps[lane]
            while heap and heap[0] <= now:
                heapq.heappop(heap)
            return heap[0] if heap else None
