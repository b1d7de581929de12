"""The one door to the providers: claim, check, render, gate, send with no transaction open, record."""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from notify.domain.catalogue import Channel
from notify.domain.delivery import Claimed, Letter, NotificationErrand, PlannedCall
from notify.domain.eligibility import Policy
from notify.domain.errors import UnavailableError
from notify.domain.explanations import NOT_RENDERED, UNREADABLE
from notify.domain.outbound import MESSAGE_TYPES
from notify.domain.outcome import Outcome, Transient
from notify.domain.prepared import Prepared
from notify.domain.requests import Lane, Routing
from notify.domain.status import Reason, Status
from notify.ports import Clock, Providers, Telemetry, Throttle, WakeUps
from notify.store import Store, Transaction
from notify.usecases.delivery.composing import Composer
from notify.usecases.delivery.dispatch_work import Work
from notify.usecases.delivery.gate import Gate
from notify.usecases.delivery.refused_addresses import RefusedAddresses
from notify.usecases.delivery.return_times import ReturnTimes
from notify.usecases.delivery.right_hours import RightHours

_log: Final = logging.getLogger(__name__)

CLAIM_LEASE: Final = timedelta(seconds=10)
"""For checking and rendering; a claim that runs out goes back in the queue."""

_FRESH_FOR: Final = timedelta(seconds=30)
"""How long a text that has to arrive by a certain time may wait for its gate."""

_SHORTEST_PAUSE: Final = 0.02
"""Seconds: under a limit of thousands a second, what returns meanwhile is claimed together."""

_RECORD_PAUSES: Final = (0.1, 0.3, 1.0, 2.0, 4.0, 8.0)
"""Seconds between the tries to record: together as long as the lease of a call."""

_GONE: Final = Status.CANCELLED
"""What a notification counts as that was erased meanwhile."""

_NEXT_CHANNEL_AFTER: Final = frozenset({Status.SKIPPED, Status.FAILED, Status.EXPIRED})


class Deliver:
    """Delivers dispatches: each is one call to a provider, and one message is a batch of one."""

    def __init__(
        self,
        *,
        store: Store,
        composer: Composer,
        policy: Policy,
        hours: RightHours,
        gate: Gate,
        refused: RefusedAddresses,
        providers: Providers,
        throttle: Throttle,
        wake_ups: WakeUps,
        telemetry: Telemetry,
        clock: Clock,
        random: Callable[[], float],
    ) -> None:
        """`random` returns [0, 1) for jitter."""
        self._store = store
        self._composer = composer
        self._policy = policy
        self._hours = hours
        self._gate = gate
        self._refused = refused
        self._providers = providers
        self._throttle = throttle
        self._wake_ups = wake_ups
        self._telemetry = telemetry
        self._clock = clock
        self._random = random
        self._busy_until: dict[tuple[Lane, Channel], datetime] = {}
        self._sent_away = ReturnTimes()

    def __call__(self, lane: Lane, limit: int = 1) -> int:
        """Deliver the oldest `limit` dispatches of the lane that are due; return how many were claimed."""
        prepared = self.prepare(lane, limit)
        for work in prepared.works:
            self.send(work)
        self.record([*prepared.works, *prepared.idle])
        return prepared.claimed

    def prepare(self, lane: Lane, limit: int) -> Prepared[Work]:
        """Claim at most `limit` dispatches and bring them through the gate: one transaction each for all.

        For each of the works the provider is to be called now, by `send`; then `record` takes them, and those
        that are idle, in any order. Nothing may come between the gate and the calls.
        """
        now = self._clock()
        free = [one for one in Channel if self._busy_until.get((lane, one), now) <= now]
        if not free:
            return Prepared(0, pause=self._pause(lane, now))
        with self._store.write() as tx:
            claimed = tx.deliveries.claim(lane, free, limit, now, now + CLAIM_LEASE)
        works = self._split_large([self._work(one) for one in claimed])
        try:
            admitted = self._admit(works, lane)
            for work in admitted:
                self._check(work)
            wanting = [work for work in admitted if work.outgoing]
            if wanting:
                self._gate.pass_through(wanting)
        except BaseException:
            self._give_back(works)
            raise
        idle = [work for work in works if not work.outgoing]
        self._give_back(idle)
        ready = [work for work in works if work.outgoing]
        return Prepared(len(claimed), ready, idle, self._pause(lane, now))

    def send(self, work: Work) -> None:
        """Call the provider, with no transaction open."""
        at = self._clock()
        started = time.perf_counter()
        try:
            outcomes = work.provider.send(list(work.outgoing.values()))
            self._hold(work, outcomes)  # before another call can take its place
        finally:
            self._give_back([work])
            # There is room again for one that had to wait.
            self._busy_until.pop((work.claimed.lane, work.claimed.channel), None)
        seconds = time.perf_counter() - started
        work.note(outcomes, at, seconds, self._clock(), self._random())
        self._providers.report(work.provider, outcomes, seconds)
        self._telemetry.provider_call(work.provider.name, work.record.attempts[0].outcome, seconds)

    def _hold(self, work: Work, outcomes: Sequence[Outcome]) -> None:
        """Hold everybody back for as long as the provider asked for."""
        asked = [one.retry_after for one in outcomes if isinstance(one, Transient) and one.retry_after]
        if asked and work.call:
            self._throttle.hold(work.provider.name, work.call.sender, max(asked))

    def record(self, works: Sequence[Work]) -> None:
        """Write down what became of them all; a database that is away for a moment is waited for."""
        if not works:
            return
        for pause in (*_RECORD_PAUSES, None):
            try:
                with self._store.write() as tx:
                    self._refused.bar(tx, works, self._clock())
                    changed, rung = self._write(tx, works, self._clock())
                break
            except UnavailableError:
                if pause is None:
                    raise
                time.sleep(pause)
        for lane, dispatch_ids in rung.items():
            self._wake_ups.ring(lane, dispatch_ids)
        for work in works:
            if work.claimed.dispatch_id in changed:
                self._count(work)

    def _work(self, claimed: Claimed) -> Work:
        test = any(letter.errand.test for letter in claimed.letters)
        size = len(claimed.letters)
        return Work(claimed, self._providers.choose(claimed.channel, test=test, messages=size))

    def _split_large(self, works: Sequence[Work]) -> list[Work]:
        """Put back in parts what is more than its provider takes in a call; return the rest.

        A dispatch is one call, so that whoever is lost in it leaves no more than that one unknown.
        """
        large = [work for work in works if len(work.claimed.letters) > work.provider.most]
        if large:
            with self._store.write() as tx:
                for work in large:
                    tx.deliveries.split(work.claimed, work.provider.most)
        return [work for work in works if len(work.claimed.letters) <= work.provider.most]

    def _admit(self, works: Sequence[Work], lane: Lane) -> list[Work]:
        """Ask leave for each call; what has to wait goes back, and its channel is left alone for as long.

        But orders of that channel have a sender of their own: what marketing waits for is nothing to them.
        """
        asking = [work for work in works if work.claimed.letters]
        for work in asking:
            letters = work.claimed.letters
            work.call = PlannedCall(
                f"{work.claimed.dispatch_id}.{work.claimed.claim}",
                work.provider.name,
                self._composer.sender(letters[0]),
                lane,
                len(letters),
            )
        waits = self._throttle.admit([work.call for work in asking if work.call]) if asking else []
        now = self._clock()
        soonest: dict[Channel, datetime] = {}
        for work, wait in zip(asking, waits, strict=True):
            if wait > 0:
                work.call = None
                due_at = now + timedelta(seconds=wait)
                work.postpone_all(due_at)
                self._sent_away.add(lane, due_at)
                channel = work.claimed.channel
                if lane is Lane.BULK or not self._composer.is_marketing(work.claimed.letters[0]):
                    soonest[channel] = min(soonest.get(channel, due_at), due_at)
        self._busy_until |= {(lane, channel): at for channel, at in soonest.items()}
        return [work for work in works if work.call or not work.claimed.letters]

    def _give_back(self, works: Sequence[Work]) -> None:
        """Give back the places of calls that were made, or will not be."""
        calls = [work.call for work in works if work.call]
        if calls:
            self._throttle.finished(calls)

    def _pause(self, lane: Lane, now: datetime) -> float | None:
        """Return in how many seconds what had to wait may be tried again."""
        times = [at for (one, _), at in list(self._busy_until.items()) if one is lane and at > now]
        if following := self._sent_away.next_after(lane, now):
            times.append(following)
        return max((min(times) - now).total_seconds(), _SHORTEST_PAUSE) if times else None

    def _check(self, work: Work) -> None:
        """Decide on each letter, and write those that may go."""
        now = self._clock()
        for message_id, expires_at in work.claimed.unreadable:
            if expires_at and expires_at <= now:
                work.settle(message_id, Status.EXPIRED)
            else:
                work.try_later(message_id, Transient(UNREADABLE), now, self._random(), expires_at)
        for letter in work.claimed.letters:
            self._check_letter(work, letter, now)

    def _check_letter(self, work: Work, letter: Letter, now: datetime) -> None:
        errand = letter.errand
        if errand.expires_at and errand.expires_at <= now:
            work.settle(letter.message_id, Status.EXPIRED)
            return
        if letter.standing:
            found = self._policy.verdict(letter.topic, letter.channel, letter.phone_country, letter.standing)
            if isinstance(found, Reason):
                work.settle(letter.message_id, Status.SKIPPED, reason=found)
                return
        marketing = letter.channel is Channel.SMS and self._composer.is_marketing(letter)
        hour = self._hours(letter, marketing=marketing, planned_at=work.claimed.planned_at, now=now)
        if hour.never:
            work.settle(letter.message_id, Status.SKIPPED, reason=Reason.OUTSIDE_HOURS)
        elif hour.waits_until and errand.expires_at and errand.expires_at <= hour.waits_until:
            work.settle(letter.message_id, Status.EXPIRED, reason=Reason.OUTSIDE_HOURS)
        elif hour.waits_until:
            work.postpone(letter.message_id, hour.waits_until, held=True)
        elif letter.address:  # if not, the gate says why
            if hour.ends:
                work.stale_after = now + _FRESH_FOR
            self._compose(work, letter, now, hour.ends)
        else:
            work.settle(letter.message_id, Status.SKIPPED, reason=Reason.NO_ADDRESS)

    def _compose(self, work: Work, letter: Letter, now: datetime, ends: datetime | None) -> None:
        try:
            if letter.channel is Channel.EMAIL:
                write = work.write_email = work.write_email or self._composer.emails(letter)
                work.outgoing[letter.message_id] = write(letter)
            else:
                work.outgoing[letter.message_id] = self._composer.sms(letter, now, ends)
        except Exception as error:  # noqa: BLE001 - one poisoned message must not hold up its batch
            _log.error(
                "message could not be rendered",
                extra={"message_id": letter.message_id, "error": type(error).__name__},
            )
            work.settle(letter.message_id, Status.FAILED, detail=NOT_RENDERED)

    def _write(
        self, tx: Transaction, works: Sequence[Work], now: datetime
    ) -> tuple[set[int], dict[Lane, list[int]]]:
        """Record, and give those that did not work out their next channel.

        Rows are locked in the order that everybody keeps: recipients, notifications, dispatches, messages.
        Returns the dispatches that changed, and those of the next channels.
        """
        following = [
            (work, letter, channel)
            for work in works
            for letter, channel in _next_channels(work)
        ]  # fmt: skip
        if following:
            tx.recipients.keep_from_erasure({letter.recipient_id for _, letter, _ in following})
        closed = tx.notifications.lock(asked) if (asked := _asked(works, following)) else {}
        for work in works:
            letters = work.letters if work.later else {}
            for later in list(work.later):
                errand = letters[later.message_id].errand if later.message_id in letters else None
                if isinstance(errand, NotificationErrand) and (status := closed.get(errand.notification_id)):
                    work.drop(later.message_id, status)
        changed = tx.deliveries.record([work.sum_up() for work in works], now)
        if tx.outbound.wanted(MESSAGE_TYPES):
            told = [work for work in works if work.claimed.dispatch_id in changed]
            tx.outbound.moved({number: it for work in told for number, it in work.statuses().items()}, now)
        rung: dict[Lane, list[int]] = {}
        for work, letter, channel in following:
            errand = letter.errand
            if (
                isinstance(errand, NotificationErrand)
                and work.claimed.dispatch_id in changed
                and closed.get(errand.notification_id, _GONE) is None
            ):
                number = tx.notifications.add_message(letter.message_id, channel, work.claimed.lane, now)
                rung.setdefault(work.claimed.lane, []).append(number)
        return changed, rung

    def _count(self, work: Work) -> None:
        """Count what changed."""
        found = list(work.statuses().items())
        if not found:
            return
        reasons = {one.message_id: one.reason or "" for one in work.record.settled}
        topics = {one.message_id: one.topic for one in work.claimed.letters}
        counts: dict[tuple[int, str, str], int] = {}
        for message_id, status in found:
            key = (topics.get(message_id, 0), status, reasons.get(message_id, ""))
            counts[key] = counts.get(key, 0) + 1
        for (number, ended, reason), count in counts.items():
            name = self._policy.catalogue.name_of(number) or ""
            self._telemetry.settled(
                name, work.claimed.channel, work.provider.name, ended, reason, count=count
            )


def _next_channels(work: Work) -> list[tuple[Letter, Channel]]:
    """Return the letters that `fallback` routing gives another channel. Never on `unknown`."""
    falling_back = [
        (letter, letter.errand.channels)
        for letter in work.claimed.letters
        if isinstance(letter.errand, NotificationErrand) and letter.errand.routing is Routing.FALLBACK
    ]
    statuses = work.statuses() if falling_back else {}
    found = []
    for letter, channels in falling_back:
        later = channels[channels.index(letter.channel) + 1 :]
        if later and statuses.get(letter.message_id) in _NEXT_CHANNEL_AFTER:
            found.append((letter, later[0]))
    return found


def _asked(works: Sequence[Work], following: Sequence[tuple[Work, Letter, Channel]]) -> set[int]:
    """Return the notifications whose messages come later, or on their next channel."""
    letters = [letter for _, letter, _ in following]
    for work in works:
        if later := {one.message_id for one in work.later}:
            letters += [letter for letter in work.claimed.letters if letter.message_id in later]
    return {one.errand.notification_id for one in letters if isinstance(one.errand, NotificationErrand)}
