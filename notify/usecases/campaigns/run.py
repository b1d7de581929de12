"""Run campaigns: start those whose time has come, and make their messages slice by slice."""

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from notify.domain import ids
from notify.domain.alerts import CAMPAIGN_FAILING
from notify.domain.audience import parse_audience
from notify.domain.campaigns import (
    RECIPIENT_ZONE,
    Act,
    Campaign,
    CampaignChanges,
    CampaignStatus,
    moved,
)
from notify.domain.catalogue import Channel
from notify.domain.eligibility import Policy
from notify.domain.errors import ConflictError, UnavailableError
from notify.domain.newsletters import Pinned
from notify.domain.pacing import minute_of, pause_after, slice_size
from notify.domain.requests import Lane
from notify.domain.status import Status
from notify.domain.windows import LawfulHours
from notify.ports import Clock, Telemetry, WakeUps
from notify.store import Store, Transaction
from notify.store.campaigns import Bundle
from notify.usecases.campaigns.letting_go import LettingGo, room_in_throttle
from notify.usecases.campaigns.slicing import Slicer

_log: Final = logging.getLogger(__name__)

_LARGEST_SLICE: Final = 10_000
"""Recipients: of fewer, more dispatches stay half empty, and each costs as much as a full one.

A pause waits for the slice under way, which takes a fifth of a second.
"""
_LET_GO: Final = 5000
_LOOK_SOON: Final = timedelta(seconds=0.1)
_LOOK_AGAIN: Final = timedelta(seconds=1)
_LOOK_SOMETIMES: Final = timedelta(minutes=1)
_SET_ASIDE: Final = timedelta(seconds=30)
_BEAT_EVERY: Final = timedelta(seconds=10)
_FEW: Final = 100
_MANY: Final = 10_000

MOST_AHEAD: Final = 20_000
"""Dispatches of one campaign that are due and wait for their call, before the pump lets go of more.

Where each message is a call of its own, a million of them could lie there for hours, and a pause or a
cancellation would have to change every one before it is answered.
"""


class RunCampaigns:
    """The campaign pump: one transaction a slice, in which its messages and the cursor's move commit.

    So a crash, a pause and a second pump are all harmless: whoever is eligible gets exactly one message.
    """

    def __init__(
        self,
        *,
        store: Store,
        policy: Policy,
        hours: LawfulHours,
        wake_ups: WakeUps,
        telemetry: Telemetry,
        clock: Clock,
        largest_slice: int = _LARGEST_SLICE,
        most_ahead: int = MOST_AHEAD,
    ) -> None:
        self._store = store
        self._policy = policy
        self._hours = hours
        self._wake_ups = wake_ups
        self._telemetry = telemetry
        self._clock = clock
        self._largest = largest_slice
        self._letting_go = LettingGo(hours, most_ahead, min(largest_slice, _LET_GO))
        self._pinned: tuple[tuple[int, datetime | None], Pinned] | None = None
        self._set_aside: dict[int, datetime] = {}
        self._beat_at: datetime | None = None

    def __call__(self) -> int:
        """Go round the campaigns once; return how many had something to do.

        One that fails unexpectedly is left alone for a while, so that it holds up no other.
        """
        now = self._clock()
        self._beat(now)
        with self._store.read() as tx:
            numbers = [
                number for number in tx.campaigns.to_run(now) if self._set_aside.get(number, now) <= now
            ]
        done = 0
        for number in numbers:
            try:
                done += self._run_again(number, now)
            except UnavailableError:
                raise
            except Exception as error:  # noqa: BLE001 - the others must go on
                self._set_aside[number] = now + _SET_ASIDE
                told = {"campaign": ids.public(ids.CAMPAIGN, number), "error": type(error).__name__}
                _log.exception("a campaign failed, and is left alone for a while", extra=told)
                with self._store.write() as tx:
                    tx.alerts.raise_alert(CAMPAIGN_FAILING, told, now)
        return done

    def _beat(self, now: datetime) -> None:
        """Note that the pump runs; seldom, as it looks twice a second."""
        if self._beat_at and now - self._beat_at < _BEAT_EVERY:
            return
        with self._store.write() as tx:
            tx.deliveries.beat("campaigns", now)
        self._beat_at = now

    def _run_again(self, number: int, now: datetime) -> bool:
        """Do what is next, once more if a message was redirected meanwhile to whom a new one was for."""
        try:
            return self._run(number, now)
        except ConflictError:
            return self._run(number, now)

    def _run(self, number: int, now: datetime) -> bool:
        """Do what is next for one campaign, unless somebody else is at it."""
        with self._store.read() as tx:
            before = tx.campaigns.get(number)
            snapshot = self._snapshot(tx, before, now) if _is_due(before, now) else {}
        bundles: list[Bundle] = []
        let_go = 0
        with self._store.write() as tx:
            campaign = tx.campaigns.lock_if_free(number)
            if campaign is None or not _is_due(campaign, now):
                return False
            if campaign.status is CampaignStatus.SCHEDULED:
                if campaign != before:
                    return False  # changed meanwhile: counted anew in the next round
                tx.campaigns.change(number, snapshot, now)
            else:
                bundles, let_go = self._go_on(tx, campaign, now)
        if let_go or any(one.due_at and one.due_at <= now for one in bundles):
            self._wake_ups.ring(Lane.BULK, ())
        self._count_skipped(campaign, bundles)
        return True

    def _snapshot(self, tx: Transaction, campaign: Campaign, now: datetime) -> CampaignChanges:
        """Return how a campaign starts: nobody who comes later is part of it.

        Counting takes seconds, so nothing is locked meanwhile.
        """
        if campaign.status is not CampaignStatus.SCHEDULED:
            return {}
        topic = self._policy.catalogue.numbered(campaign.topic)
        highest = tx.audiences.highest()
        audience = parse_audience(campaign.audience)
        return {
            "status": moved(Act.START, campaign.status),
            "started_at": now,
            "highest": highest,
            "pending": tx.audiences.count(topic, campaign.channels, audience, highest) if topic else 0,
        }

    def _go_on(self, tx: Transaction, campaign: Campaign, now: datetime) -> tuple[list[Bundle], int]:
        """Make the next slice, let go of what is packed and due, or look whether that was all.

        Returns what was made, and how many messages were let go.
        """
        over = campaign.pumped or self._expire(tx, campaign, now)
        made, changes = ([], CampaignChanges()) if over else self._slice(tx, campaign, now)
        let_go, look_at = self._letting_go(
            tx, campaign, now, lambda: self._pinned_of(tx, campaign).individual
        )
        if over:
            self._look_for_end(tx, campaign, now, look_at)
        else:
            if look_at and (next_at := changes.get("next_slice_at")):
                changes["next_slice_at"] = min(next_at, look_at)
            tx.campaigns.change(campaign.number, changes, now)
        return made, let_go

    def _slice(
        self, tx: Transaction, campaign: Campaign, now: datetime
    ) -> tuple[list[Bundle], CampaignChanges]:
        """Make the next slice's messages; return them, and the cursor's move."""
        highest = campaign.highest or 0
        local = campaign.timezone == RECIPIENT_ZONE
        throttle = None if local else campaign.throttle  # by local time, `due_at` is what spreads them
        size = slice_size(throttle, len(campaign.channels), self._largest)
        most = size * len(campaign.channels)
        if throttle and not room_in_throttle(tx, campaign.number, throttle, most, now):
            return [], {"next_slice_at": now + _LOOK_AGAIN}
        end = tx.audiences.slice_end(campaign.cursor, highest, size)
        bundles: list[Bundle] = []
        if end is not None:
            audience = parse_audience(campaign.audience)
            candidates = tx.audiences.candidates(campaign, audience, campaign.cursor, end)
            booked: dict[datetime, int] = defaultdict(int)
            if (local or Channel.SMS in campaign.channels) and campaign.throttle is not None:
                for moment, count in tx.campaigns.booked(campaign.number).items():
                    booked[minute_of(moment)] += count
            slicer = Slicer(
                campaign, self._pinned_of(tx, campaign), self._policy, self._hours, now=now, booked=booked
            )
            bundles = slicer(candidates)
            tx.campaigns.add_messages(campaign, bundles, now)
            ended = (bundle.envelopes for bundle in bundles if bundle.due_at is None)
            tx.outbound.ended_in(campaign.number, {one.recipient for some in ended for one in some}, now)
        made = sum(len(one.envelopes) for one in bundles)
        last = end is None or end >= highest
        changes: CampaignChanges = {
            "cursor": campaign.cursor if end is None else end,
            "pending": 0 if last else max(0, campaign.pending - made),
            "pumped": last,
            "next_slice_at": now + pause_after(most if made and not last else 0, throttle),
        }
        return bundles, changes

    def _expire(self, tx: Transaction, campaign: Campaign, now: datetime) -> bool:
        """End what has not left of a campaign whose time is over, made or not; return whether it is."""
        if campaign.expires_at is None or campaign.expires_at > now:
            return False
        tx.campaigns.expire_dispatches(campaign.number, now)
        if not campaign.pumped:
            tx.campaigns.change(campaign.number, {"pumped": True}, now)
        return True

    def _pinned_of(self, tx: Transaction, campaign: Campaign) -> Pinned:
        """Return what was pinned, read once for all slices."""
        key = (campaign.number, campaign.pinned_at)
        if self._pinned is None or self._pinned[0] != key:
            found = tx.campaigns.pinned(campaign.number)
            if found is None:
                raise LookupError("a campaign that was scheduled has no pinned content")
            self._pinned = (key, found)
        return self._pinned[1]

    def _look_for_end(
        self, tx: Transaction, campaign: Campaign, now: datetime, look_at: datetime | None
    ) -> None:
        """Finish a campaign of which nothing is open; or note when to look again: by `look_at`."""
        count, last_due = tx.campaigns.open_dispatches(campaign.number)
        if count and self._expire(tx, campaign, now):
            count, last_due = tx.campaigns.open_dispatches(campaign.number)
        if count == 0:
            status = moved(Act.FINISH, campaign.status)
            tx.campaigns.change(campaign.number, {"status": status, "finished_at": now}, now)
            return
        soon = now + (_LOOK_SOON if count <= _FEW else _LOOK_AGAIN if count < _MANY else _LOOK_AGAIN * 10)
        again = min(max(soon, last_due or soon), now + _LOOK_SOMETIMES)
        if look_at:
            again = min(again, look_at)
        if campaign.expires_at and campaign.expires_at > now:
            again = min(again, campaign.expires_at)
        tx.campaigns.change(campaign.number, {"next_slice_at": again}, now)

    def _count_skipped(self, campaign: Campaign, bundles: Iterable[Bundle]) -> None:
        name = self._policy.catalogue.name_of(campaign.topic) or ""
        for bundle in bundles:
            if bundle.status is Status.QUEUED:
                continue
            for reason, count in Counter(one.reason or "" for one in bundle.envelopes).items():
                self._telemetry.settled(name, bundle.channel, "", bundle.status, reason, count=count)


def _is_due(campaign: Campaign, now: datetime) -> bool:
    """Whether there is something to do for a campaign: it may have changed since it was found."""
    if campaign.status is CampaignStatus.SCHEDULED:
        return campaign.start_at is not None and campaign.start_at <= now
    waits = campaign.next_slice_at is not None and campaign.next_slice_at > now
    return campaign.status is CampaignStatus.SENDING and not waits
