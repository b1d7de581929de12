"""Alerts: opt-outs no crowd could make, posts whose signatures fit no key, and their end."""

from datetime import timedelta

from notify.cli.alerts import alert_lines
from notify.domain.alerts import BURST_SIZE, FORGED_POSTS, OPTOUT_BURST
from notify.domain.catalogue import Channel
from notify.domain.requests import Proof
from notify.usecases.events.receive import FORGED_IN_A_ROW
from tests.reporting import Reporting
from tests.world import World

ONE_CLICK = Proof(source="one_click")


def leave(world: World, count: int, after: timedelta, first: int = 0) -> None:
    """Have people leave so long after each got an order update."""
    for number in range(first, first + count):
        world.order(recipient=f"C-{number}", profile={"email": f"p{number}@example.com"}, reference=None)
        world.work()
        world.clock.advance(after)
        world.parts.unsubscribe(world.opt_out_token(Channel.EMAIL), ONE_CLICK, None)


def follow(world: World) -> None:
    while world.parts.seal_ledger():
        pass
    world.parts.follow_ledger()


def kinds(world: World) -> list[tuple[str, int]]:
    found = world.parts.backlog.report(world.clock()).alerts
    return [(one.kind, one.count) for one in found]


def test_a_burst_of_opt_outs_within_seconds_is_told_once_and_ends_after_a_quiet_day(world: World) -> None:
    leave(world, BURST_SIZE - 1, timedelta(seconds=3))
    follow(world)
    assert kinds(world) == []
    leave(world, 1, timedelta(seconds=3), first=100)
    follow(world)
    (alert,) = world.parts.backlog.report(world.clock()).alerts
    assert (alert.kind, alert.count, alert.details["optouts"]) == (OPTOUT_BURST, 1, BURST_SIZE)
    first, advice = alert_lines([alert])
    assert "optouts 20" in first
    assert "docs/operating.md" in advice
    follow(world)  # nothing new
    assert kinds(world) == [(OPTOUT_BURST, 1)]
    world.clock.advance(timedelta(days=1, seconds=1))
    world.parts.purge()
    assert kinds(world) == []


def test_people_who_read_first_are_no_burst(world: World) -> None:
    leave(world, BURST_SIZE + 1, timedelta(seconds=11))
    follow(world)
    assert kinds(world) == []


def test_posts_whose_signatures_fit_no_key_raise_an_alert_and_a_genuine_one_starts_anew(
    reporting: Reporting,
) -> None:
    for _ in range(FORGED_IN_A_ROW - 1):
        assert reporting.receipt("delivered", token="f" * 32).status_code == 403
    assert reporting.receipt("delivered").status_code == 204
    reporting.receipt("delivered", token="f" * 32)
    assert kinds(reporting.world) == []
    for _ in range(FORGED_IN_A_ROW - 1):
        reporting.receipt("delivered", token="f" * 32)
    assert kinds(reporting.world) == [(FORGED_POSTS, 1)]
    with reporting.world.parts.store.write() as tx:
        assert tx.alerts.clear(FORGED_POSTS, reporting.world.clock())
    assert kinds(reporting.world) == []
