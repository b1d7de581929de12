"""Let go of what a campaign has planned: as much as a pause can stop at once, and its throttle allows."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from notify.domain.campaigns import Campaign
from notify.domain.windows import LawfulHours
from notify.store import Transaction

_LOOK_SOON: Final = timedelta(seconds=0.1)
_LOOK_AGAIN: Final = timedelta(seconds=1)
_PORTIONS_A_MINUTE: Final = 6
_TRIED_FOR_EACH: Final = 5
"""How many may be under way for each that may be due: the others wait for a provider that was away."""


class LettingGo:
    """Takes messages out of packs as those before them leave.

    Where each message is a call of its own, a million of them could wait for hours, and a pause or a
    cancellation would have to change every one before it is answered; a pack is one row. For the same
    reason SMS whose window has closed stay packed until it opens.
    """

    def __init__(self, hours: LawfulHours, most_ahead: int, at_once: int) -> None:
        """`most_ahead` dispatches may wait for their calls; `at_once` are let go of in a transaction."""
        self._hours = hours
        self._most_ahead = most_ahead
        self._at_once = at_once

    def __call__(
        self, tx: Transaction, campaign: Campaign, now: datetime, apart: Callable[[], bool]
    ) -> tuple[int, datetime | None]:
        """Let go of what there is room for; return how many messages that were, and when to look again.

        `apart`: whether each of its e-mails is a call of its own, as its SMS are. The campaign is locked.
        """
        first = tx.campaigns.next_packed(campaign.number)
        if first is None or first > now:
            return 0, first
        room = self._room(tx, campaign, now)
        if room <= 0:
            return 0, now + _LOOK_AGAIN
        opens = partial(self._opens, at=now)
        count = tx.campaigns.let_go(campaign.number, room, now, apart=apart(), opens=opens)
        following = tx.campaigns.next_packed(campaign.number)
        return count, following and max(following, now + _LOOK_SOON)

    def _opens(self, country: str | None, timezone: str | None, at: datetime) -> datetime:
        """Return when an SMS may arrive; of where it never may, whoever delivers it tells."""
        span = self._hours.span(country, timezone, at)
        return span.opens if span else at

    def _room(self, tx: Transaction, campaign: Campaign, now: datetime) -> int:
        most_open = self._most_ahead * _TRIED_FOR_EACH
        due, still_open = tx.campaigns.ahead(campaign.number, most_open, now)
        room = min(self._most_ahead - due, most_open - still_open, self._at_once)
        if campaign.throttle is None:
            return room
        portion = max(1, campaign.throttle // _PORTIONS_A_MINUTE)
        return min(room, room_in_throttle(tx, campaign.number, campaign.throttle, portion, now))


def room_in_throttle(tx: Transaction, number: int, throttle: int, least: int, now: datetime) -> int:
    """Return how many more messages keep to a throttle, in every sixty seconds they may be called in.

    0 if they are fewer than `least`, unless nothing else is under way: at one a minute, somebody's e-mail
    and SMS are made together.
    """
    under_way = tx.campaigns.under_way(number, now, throttle * 2)
    room = throttle - under_way
    return max(room, least) if room >= least or not under_way else 0
