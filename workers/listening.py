"""Hears the bells of a lane, which are jobs of rq, until the process is told to stop."""

import logging
import signal
import time
from contextlib import suppress
from types import FrameType
from typing import Any, Final

from redis import Redis, RedisError
from rq import Queue, SimpleWorker, worker_registration
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer
from rq.worker.base import WorkerStatus

from notify.domain.requests import Lane

_log: Final = logging.getLogger(__name__)

_WORKER_TTL_SECONDS: Final = 20
"""rq blocks for 5 seconds, gives up on a silent Redis after 15, and forgets a dead worker after 80."""

_LONGEST_WAIT_FOR_REDIS_SECONDS: Final = 3
_PAUSE_SECONDS: Final = 1.0


class WarmWorker(SimpleWorker):
    """Works in its own process: nothing is forked, so that connections and templates stay warm."""

    max_connection_wait_time = _LONGEST_WAIT_FOR_REDIS_SECONDS

    def end(self) -> None:
        """End the loop: after the job at hand, or at once by StopRequested."""
        self._stop_requested = True
        if self.get_state() != WorkerStatus.BUSY:
            raise StopRequested

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:  # noqa: ANN401 - rq's type
        """Register anew when Redis has forgotten this worker, as when it restarts without its data.

        Before each wait for a job, and so where a stop is heard that came while something else caught
        every exception, as logging does: rq's own loop would go on for as long as no job comes.
        """
        if self._stop_requested and pipeline is None and self.get_state() != WorkerStatus.BUSY:
            raise StopRequested
        super().heartbeat(timeout, pipeline)
        if pipeline is None and not self.connection.sismember(self.redis_workers_keys, self.key):
            self.connection.hset(self.key, mapping=self.serialize())
            worker_registration.register(self)

    def teardown(self) -> None:
        """Take leave of Redis if it answers, and end the thread that hears rq's commands in any case."""
        with suppress(RedisError):
            super().teardown()  # type: ignore[no-untyped-call]
        if self.pubsub_thread:
            self.pubsub_thread.stop()

    def procline(self, message: str) -> None:
        """Leave the title of the process alone: it names the role."""

    def _install_signal_handlers(self) -> None:
        """Leave signals to the listener, which lives longer than one run of rq's loop."""


class Listener:
    """Runs rq's loop again whenever it quits, as it does if Redis goes away at certain moments."""

    def __init__(self, lane: Lane, connection: Redis) -> None:
        """`connection` is for this alone: rq blocks on it, and sets its time-outs."""
        self._lane = lane
        self._connection = connection
        self._worker: WarmWorker | None = None
        self._stopping = False

    def listen(self) -> None:
        """Return after SIGTERM or SIGINT; what comes after the first signal is ignored."""
        with suppress(StopRequested):
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self._stop)
            while not self._stopping:
                try:
                    self._work()
                except RedisError as error:
                    _log.warning("Redis is out of reach", extra={"error": type(error).__name__})
                if not self._stopping:
                    time.sleep(_PAUSE_SECONDS)

    def _work(self) -> None:
        self._worker = WarmWorker(
            [Queue(self._lane.value, connection=self._connection, serializer=JSONSerializer)],
            connection=self._connection,
            serializer=JSONSerializer,
            worker_ttl=_WORKER_TTL_SECONDS,
        )
        try:
            self._worker.work(logging_level="WARNING")
        finally:
            self._worker = None  # a signal that comes before the next one is made is not for this one

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        if self._stopping:
            return
        self._stopping = True
        if self._worker is None:
            raise StopRequested
        self._worker.end()
