"""The bell of the lanes: wake-ups as RQ jobs, named by a dotted path and serialized as JSON."""

import threading
import time
from collections.abc import Sequence
from typing import Final

from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from notify.domain.requests import Lane
from notify.reaching_redis import Reach

JOB: Final = "workers.jobs.deliver"
_ENOUGH_WAITING: Final = 4
_JOB_TIMEOUT_SECONDS: Final = 60
_RESULT_KEPT_SECONDS: Final = 60
_FAILURE_KEPT_SECONDS: Final = 86_400


class RqWakeUps:
    """Rings a lane by enqueueing a job.

    A job that starts wakes threads, which find in the database what was committed before. So while enough
    jobs wait that have not started yet, another adds nothing. The last of them names no dispatch and wakes
    every thread: it stands for those that are not rung.

    With a `pause`, the bell of a lane is rung at once, then at most every so often, in a thread of its own:
    the last ring always comes after whatever was committed before it was asked for.
    """

    def __init__(self, connection: Redis, pause: float = 0.0) -> None:
        """Ring through `connection`, which should have short time-outs: callers of the API wait for it.

        `pause` in seconds: how long after one ring of a lane the next may come; 0 rings each time.
        """
        self._pause = pause
        self._pausing = threading.Condition()
        self._rung_at: dict[Lane, float] = {}
        self._to_ring_at: dict[Lane, float] = {}
        self._ringer: threading.Thread | None = None
        self._queues = {
            lane: Queue(lane.value, connection=connection, serializer=JSONSerializer) for lane in Lane
        }
        self._reach = Reach(without="workers look by themselves", again="workers are woken")

    def ring(self, lane: Lane, dispatch_ids: Sequence[int]) -> bool:
        """Wake a worker of the lane, or have it woken when the pause is over.

        While Redis is away one thread at a time tries it, a second after the last try failed; the others
        return at once. Workers then look by themselves, and `reconcile` rings for what waits.
        """
        if self._pause and self._waits(lane):
            return not self._reach.away
        return self._ring(lane, dispatch_ids)

    def _waits(self, lane: Lane) -> bool:
        """Whether the lane's bell pauses; then it is rung once more as soon as the pause is over."""
        with self._pausing:
            now = time.monotonic()
            over_at = self._rung_at.get(lane, 0.0) + self._pause
            if over_at <= now and lane not in self._to_ring_at:
                self._rung_at[lane] = now
                return False
            if lane not in self._to_ring_at:
                self._to_ring_at[lane] = over_at
                self._pausing.notify()
            if self._ringer is None:  # not before it is needed: a fork would not take it along
                self._ringer = threading.Thread(target=self._ring_after_pauses, name="bell", daemon=True)
                self._ringer.start()
            return True

    def _ring_after_pauses(self) -> None:
        """Ring for all that asked during a pause: by no dispatch's name, which wakes every thread."""
        while True:
            with self._pausing:
                now = time.monotonic()
                due = [lane for lane, at in self._to_ring_at.items() if at <= now]
                for lane in due:
                    del self._to_ring_at[lane]
                    self._rung_at[lane] = now
                if not due:
                    next_at = min(self._to_ring_at.values(), default=None)
                    self._pausing.wait(None if next_at is None else next_at - now)
            for lane in due:
                self._ring(lane, [])

    def _ring(self, lane: Lane, dispatch_ids: Sequence[int]) -> bool:
        return self._reach(lambda: self._enqueue(lane, dispatch_ids)) or False

    def _enqueue(self, lane: Lane, dispatch_ids: Sequence[int]) -> bool:
        queue = self._queues[lane]
        waiting = queue.count
        if waiting >= _ENOUGH_WAITING:
            return True
        last = waiting == _ENOUGH_WAITING - 1
        queue.enqueue(
            JOB,
            lane.value,
            [] if last else list(dispatch_ids),
            job_timeout=_JOB_TIMEOUT_SECONDS,
            result_ttl=_RESULT_KEPT_SECONDS,
            failure_ttl=_FAILURE_KEPT_SECONDS,
        )
        return True
