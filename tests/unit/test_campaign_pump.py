"""The campaign pump's thread: it goes on whatever happens, rests when idle, and stops when told."""

import logging
import threading

import pytest

from notify.domain.errors import UnavailableError
from workers.campaign_pump import CampaignPump


def test_it_goes_on_after_errors_and_stops_when_told(caplog: pytest.LogCaptureFixture) -> None:
    steps: list[int | Exception] = [UnavailableError("gone"), RuntimeError("odd"), 1, 0]
    idle = threading.Event()

    def run() -> int:
        if not steps:
            idle.set()
            return 0
        step = steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    pump = CampaignPump(run, idle=0.001)
    with caplog.at_level(logging.WARNING):
        pump.start()
        assert idle.wait(5)
        assert pump.stop(5)
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]


def test_a_slice_that_hangs_does_not_hold_up_the_end() -> None:
    begun, release = threading.Event(), threading.Event()

    def run() -> int:
        begun.set()
        release.wait(5)
        return 1

    pump = CampaignPump(run)
    pump.start()
    assert begun.wait(5)
    assert not pump.stop(0.01)
    release.set()
    assert pump.stop(5)
