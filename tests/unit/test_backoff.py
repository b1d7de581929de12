"""Whatever happens, a child is back within five seconds."""

from itertools import pairwise

from notify.up.backoff import DELAYS, delay_after


def test_the_first_death_costs_no_wait() -> None:
    assert delay_after(1) == 0


def test_delays_grow_and_stay_below_five_seconds() -> None:
    delays = [delay_after(deaths) for deaths in range(1, 100)]
    assert all(earlier <= later for earlier, later in pairwise(delays))
    assert delays[-1] == DELAYS[-1]
    # The supervisor looks every 0.2 s; the rest is the start of the process.
    assert max(delays) <= 4.5
