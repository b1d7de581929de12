"""The thread that runs a use case again and again."""

import threading

from notify.domain.errors import UnavailableError
from workers.looping import Loop


def test_it_goes_on_at_once_while_there_is_more_and_after_trouble() -> None:
    said: list[int | Exception] = [3, UnavailableError("away"), ValueError("a bug"), 2, 0]
    found = iter(said)
    idle = threading.Event()
    runs = []

    def run() -> int:
        runs.append(1)
        one = next(found, None)
        if one is None:
            idle.set()
            return 0
        if isinstance(one, Exception):
            raise one
        return one

    loop = Loop("events", run, idle=0.01, first_pause=0.01)
    loop.start()
    assert idle.wait(10)
    assert loop.stop(5)
    assert len(runs) >= 6


def test_one_that_was_never_started_has_ended() -> None:
    assert Loop("events", lambda: 0, idle=1).stop(0)
