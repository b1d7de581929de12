"""The worker of one lane. One queue a process: on two, rq can lose the job of a worker that is killed."""

from typing import Final

import click
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer
from setproctitle import setproctitle

from notify.domain.requests import Lane
from notify.logs import configure_logs
from workers import runtime

_WORKER_TTL_SECONDS: Final = 60
_LONGEST_WAIT_FOR_REDIS_SECONDS: Final = 3


class WarmWorker(SimpleWorker):
    """Works in its own process: nothing is forked, so that connections and templates stay warm."""

    max_connection_wait_time = _LONGEST_WAIT_FOR_REDIS_SECONDS

    def handle_warm_shutdown_request(self) -> None:
        """Let the running job end after what it has claimed, however long its lane is."""
        runtime.stopping().set()
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]

    def procline(self, message: str) -> None:
        """Leave the title of the process alone: it names the role."""


@click.command()
@click.option("--lane", type=click.Choice([lane.value for lane in Lane]), required=True)
def main(lane: str) -> None:
    """Deliver one lane until told to stop."""
    setproctitle(f"notify: worker {lane}")
    configure_logs(f"worker {lane}")
    composition = runtime.worker(Lane(lane))
    _ = composition.deliver  # build everything before the first job, or fail now
    worker = WarmWorker(
        [Queue(lane, connection=composition.redis, serializer=JSONSerializer)],
        connection=composition.redis,
        serializer=JSONSerializer,
        worker_ttl=_WORKER_TTL_SECONDS,
    )
    worker.work(logging_level="WARNING")


if __name__ == "__main__":
    main()
