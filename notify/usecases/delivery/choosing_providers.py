"""Choose who delivers a call: providers by weight, and away from those that err, are slow or are held."""

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from notify.domain.catalogue import Channel
from notify.domain.health import Health
from notify.domain.outcome import Outcome
from notify.ports import Provider

_log: Final = logging.getLogger(__name__)

WORTH_WAITING: Final = 60.0
"""Seconds of a hold that a call of many messages waits for, before it is parted for who takes fewer."""

Weighted = Sequence[tuple[Provider[Any], int]]
"""The providers of a channel, each with its weight."""


class HealthyProviders:
    """Implements `ports.Providers`. Every process watches for itself: it costs nothing, and needs no Redis.

    A channel's only provider is always chosen. While none is well it is the one that is to be probed first.
    Weights are shares of calls: of those with many messages among the providers that take as many.
    """

    def __init__(
        self,
        weighted: Mapping[Channel, Weighted],
        outbox: Mapping[Channel, Provider[Any]],
        *,
        held: Callable[[str], float],
        tell: Callable[[str, bool], None],
        random: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`outbox` is for test keys. `held` returns for how many seconds a provider asked to be left alone.

        `tell` learns of each provider whether it is in use; `random` returns [0, 1).
        """
        self._weighted = weighted
        self._outbox = outbox
        self._held = held
        self._tell = tell
        self._random = random
        self._clock = clock
        self._lock = threading.Lock()
        self._health = {one.name: Health() for some in weighted.values() for one, _ in some}
        self._told = False

    def choose(self, channel: Channel, *, test: bool, messages: int) -> Provider[Any]:
        """Return who delivers the next call, of so many messages."""
        if test:
            return self._outbox[channel]
        some = self._weighted[channel]
        now = self._clock()
        with self._lock:
            if not self._told:  # at the first call: processes that send nothing have nothing to tell
                self._told = True
                for name, health in self._health.items():
                    self._tell(name, health.away_until is None)
            found = self._choose(some, messages, now)
            if self._health[found.name].away_until is not None:
                self._health[found.name].tested(now)
            return found

    def report(self, provider: Provider[Any], outcomes: Sequence[Outcome], seconds: float) -> None:
        """Note how a call went."""
        health = self._health.get(provider.name)
        if health is None or not outcomes:
            return
        with self._lock:
            before = health.away_until is None
            verdict = health.note(outcomes, seconds, self._clock())
            after = health.away_until is None
            if before != after:
                self._tell(provider.name, after)
        if before and not after:
            extra = {"provider": provider.name, "because": verdict.value}
            _log.warning("stepping away from a provider", extra=extra)
        elif after and not before:
            _log.info("a provider is back", extra={"provider": provider.name})

    def _choose(self, some: Weighted, messages: int, now: float) -> Provider[Any]:
        if len(some) == 1:
            return some[0][0]
        whole = [(one, weight) for one, weight in some if one.most >= messages]
        found = None
        if len(whole) < len(some):
            found = self._usable(whole, messages, now, WORTH_WAITING)
        found = found or self._usable(some, messages, now, math.inf)
        return found or min(
            (one for one, _ in whole or some), key=lambda one: self._health[one.name].away_until or 0.0
        )

    def _usable(self, some: Weighted, messages: int, now: float, patience: float) -> Provider[Any] | None:
        """Return one that is to be probed, or is well and held for so many seconds at most."""
        held = {one.name: self._held(one.name) for one, _ in some}
        for one, _ in some:
            if self._health[one.name].probe_due(now, messages) and not held[one.name]:
                return one
        shares = [(one, weight * self._health[one.name].share(now)) for one, weight in some]
        free = [(one, share) for one, share in shares if share and not held[one.name]]
        if free:
            return self._draw(free)
        well = [one for one, share in shares if share and held[one.name] <= patience]
        return min(well, key=lambda one: held[one.name], default=None)  # the limits make it wait

    def _draw(self, free: Sequence[tuple[Provider[Any], float]]) -> Provider[Any]:
        """Return one at random, by share."""
        point = self._random() * sum(share for _, share in free)
        for one, share in free:
            point -= share
            if point < 0:
                return one
        return free[-1][0]
