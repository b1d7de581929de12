"""The bell of the lanes: wake-ups as RQ jobs, named by a dotted path and serialized as JSON."""

import logging
import threading
import time
from collections.abc import Sequence
from typing import Final

from redis import Redis, RedisError
from rq import Queue
from rq.serializers import JSONSerializer

from notify.domain.requests import Lane

_log: Final = logging.getLogger(__name__)

JOB: Final = "workers.jobs.deliver"
_TIMEOUT_SECONDS: Final = 2.0
_ENOUGH_WAITING: Final = 4
_SILENT_AFTER_FAILURE_SECONDS: Final = 1.0
_JOB_TIMEOUT_SECONDS: Final = 3600
_RESULT_KEPT_SECONDS: Final = 60
_FAILURE_KEPT_SECONDS: Final = 86_400


def connect(redis_url: str) -> Redis:
    """Open Redis or Valkey by its URL (`redis://`, `rediss://`, `unix://`), with short time-outs."""
    return Redis.from_url(redis_url, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS)


class RqWakeUps:
    """Rings a lane by enqueueing a job.

    A job that starts drains its lane from the database. So while enough jobs wait that have not started yet,
    another adds nothing: they will find what was committed before this call.
    """

    def __init__(self, connection: Redis) -> None:
        self._queues = {
            lane: Queue(lane.value, connection=connection, serializer=JSONSerializer) for lane in Lane
        }
        self._silent_until = 0.0
        self._lock = threading.Lock()

    def ring(self, lane: Lane, dispatch_ids: Sequence[int]) -> bool:
        """Wake a worker of the lane. While Redis is away, `reconcile` finds what was not rung."""
        if time.monotonic() < self._silent_until:
            return False
        queue = self._queues[lane]
        try:
            if queue.count < _ENOUGH_WAITING:
                queue.enqueue(
                    JOB,
                    lane.value,
                    list(dispatch_ids),
                    job_timeout=_JOB_TIMEOUT_SECONDS,
                    result_ttl=_RESULT_KEPT_SECONDS,
                    failure_ttl=_FAILURE_KEPT_SECONDS,
                )
        except RedisError as error:
            _log.warning("Redis is out of reach", extra={"lane": lane, "error": type(error).__name__})
            with self._lock:
                self._silent_until = time.monotonic() + _SILENT_AFTER_FAILURE_SECONDS
            return False
        return True
