"""The bell: what a ring costs while Redis is away."""

import time
from pathlib import Path

from notify.domain.requests import Lane
from notify.queueing import RqWakeUps
from notify.reaching_redis import connect


def test_a_redis_that_is_away_answers_at_once(tmp_path: Path) -> None:
    wake_ups = RqWakeUps(connect(f"unix://{tmp_path}/nobody-listens.sock"))
    began = time.monotonic()
    assert not any(wake_ups.ring(Lane.URGENT, [1]) for _ in range(100))
    assert time.monotonic() - began < 2  # one that waits before it tries again takes minutes
