"""The worker of one lane. One queue a process: on two, rq can lose the job of a worker that is killed."""

import gc
import logging
import os
from typing import Final

import click
from setproctitle import setproctitle

from notify.domain.requests import Lane
from notify.logs import configure_logs
from workers import runtime
from workers.listening import Listener
from workers.looping import Loop
from workers.pump import Pump

_log: Final = logging.getLogger(__name__)

_RECORD_SECONDS: Final = 5
"""For writing down what came of a call that took as long as a provider may."""

_GARBAGE: Final = 50_000
"""How many more objects there are when the collector looks for circles: a newsletter's batch has 20,000."""

_NICENESS: Final = 10
"""How far campaigns stand back when orders and pages want the same processor."""

_LOOK_FOR_EVENTS_SECONDS: Final = 0.5
_LOOK_FOR_WEBHOOKS_SECONDS: Final = 0.5

_WEBHOOK_THREADS: Final = 24
"""More than there may be endpoints, so that there is a thread for each of them also when all hang."""


@click.command()
@click.option("--lane", type=click.Choice([lane.value for lane in Lane]), required=True)
def main(lane: str) -> None:
    """Deliver one lane until told to stop."""
    setproctitle(f"notify: worker {lane}")
    configure_logs(f"worker {lane}")
    if Lane(lane) is Lane.BULK:
        os.nice(_NICENESS)
    parts = runtime.worker(Lane(lane))
    _ = parts.deliver  # build everything before the first job, or fail now
    pump = runtime.pump(Lane(lane))
    gc.freeze()  # what is there by now stays: looking at it again and again took a third of a campaign's time
    gc.set_threshold(_GARBAGE)
    pump.start()
    events = Loop("events", parts.record_events, _LOOK_FOR_EVENTS_SECONDS)
    telling = parts.tell_endpoints
    webhooks = Pump(
        telling.prepare,
        telling.send,
        telling.record,
        _WEBHOOK_THREADS,
        look_every=_LOOK_FOR_WEBHOOKS_SECONDS,
    )
    if Lane(lane) is Lane.NORMAL:
        events.start()
        webhooks.start()
    Listener(Lane(lane), parts.redis_to_block_on()).listen()
    if not pump.stop(parts.settings.provider_timeout + _RECORD_SECONDS):
        _log.error("calls to providers were cut off; what became of them will be called unknown")
    if not webhooks.stop(_RECORD_SECONDS):
        _log.warning("calls to webhook endpoints were cut off; they will be made again")
    if not events.stop(_RECORD_SECONDS):
        _log.error("a post of events was cut off; it will be read again")


if __name__ == "__main__":
    main()
