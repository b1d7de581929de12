"""The state of the lanes' queues in Redis, as rq keeps them."""

from collections.abc import Sequence
from datetime import UTC

from redis import Redis, RedisError
from rq import Queue, Worker
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.serializers import JSONSerializer

from notify.domain.backlog import LaneQueue
from notify.domain.requests import Lane


class RqQueues:
    """Reads depth, age, failures and listeners of every lane."""

    def __init__(self, connection: Redis) -> None:
        """Read through `connection`, which should have short time-outs."""
        self._connection = connection

    def report(self) -> Sequence[LaneQueue] | None:
        """Return every lane; None when Redis does not answer."""
        try:
            return [self._lane(lane) for lane in Lane]
        except RedisError:
            return None

    def reachable(self) -> bool:
        """Ask Redis for nothing in particular."""
        try:
            return bool(self._connection.ping())
        except RedisError:
            return False

    def _lane(self, lane: Lane) -> LaneQueue:
        queue = Queue(lane.value, connection=self._connection, serializer=JSONSerializer)
        oldest_at = None
        for job_id in queue.get_job_ids(0, 1):
            try:
                job = Job.fetch(job_id, connection=self._connection, serializer=JSONSerializer)
            except NoSuchJobError:  # a worker took it between the two calls
                continue
            oldest_at = job.enqueued_at.astimezone(UTC) if job.enqueued_at else None
        return LaneQueue(
            lane=lane,
            depth=queue.count,
            oldest_at=oldest_at,
            failed=queue.failed_job_registry.get_job_count(cleanup=False),
            workers=self._listening(queue),
        )

    def _listening(self, queue: Queue) -> int:
        """Count workers whose heartbeat goes on; rq counts those that were killed too, until it cleans up."""
        keys = Worker.all_keys(queue=queue)
        return int(self._connection.exists(*keys)) if keys else 0
