"""What has served is deleted, and nothing else."""

from datetime import timedelta

import pytest

from notify.domain.catalogue import Channel
from notify.domain.errors import InvalidTokenError
from tests.world import CLICK, World


def test_keys_and_undos_go_when_their_time_is_over(world: World) -> None:
    first = world.order(key="k")
    world.work()
    undo = world.parts.unsubscribe(world.opt_out_token(Channel.EMAIL), CLICK, "fr").undo
    world.clock.advance(timedelta(days=7))
    assert world.parts.purge() == 1  # the undo
    assert world.order(key="k") == first
    assert undo
    with pytest.raises(InvalidTokenError):
        world.parts.undo(undo, CLICK, "fr")
    world.clock.advance(timedelta(days=2))
    assert world.parts.purge() == 1
    assert world.order(key="k")["id"] != first["id"]


def test_counts_of_sms_go_after_three_months(world: World) -> None:
    today = world.clock().date()
    with world.parts.store.write() as tx:
        for days in (0, 90, 91):
            tx.sms_budget.spend(today - timedelta(days=days), 1, 5)
    assert world.parts.purge() == 1
    assert world.parts.purge() == 0
