"""The one door to the providers: claim, check, render, gate, send with no transaction open, record."""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from notify.domain.catalogue import Channel
from notify.domain.delivery import AttemptMade, Claimed, Letter
from notify.domain.eligibility import Policy
from notify.domain.errors import UnavailableError
from notify.domain.hours import LATE_AFTER, morning_after, zone_of
from notify.domain.outcome import Accepted, Transient, name_of
from notify.domain.requests import Lane, Routing
from notify.domain.status import Reason, Status
from notify.ports import Clock, Provider, Telemetry, WakeUps
from notify.store import Store, Transaction
from notify.usecases.composing import Composer
from notify.usecases.dispatch_work import Work

_log: Final = logging.getLogger(__name__)

CLAIM_LEASE: Final = timedelta(seconds=10)
"""For checking and rendering; a claim that runs out goes back in the queue."""

_RECORD_PAUSES: Final = (0.1, 0.3, 1.0, 2.0, 4.0, 8.0)
"""Seconds between the tries to record: together as long as the lease of a call."""

_UNREADABLE: Final = "its data cannot be decrypted: is a key missing from ENCRYPTION_KEYS?"

_GONE: Final = Status.CANCELLED
"""What a notification counts as that was erased meanwhile."""

_NEXT_CHANNEL_AFTER: Final = frozenset({Status.SKIPPED, Status.FAILED, Status.EXPIRED})

ChooseProvider = Callable[[Channel, bool], Provider[Any]]
"""Takes the channel, and whether it is for a test key; returns who delivers it."""


class Deliver:
    """Delivers dispatches: one message is a batch of one."""

    def __init__(
        self,
        *,
        store: Store,
        composer: Composer,
        policy: Policy,
        choose_provider: ChooseProvider,
        wake_ups: WakeUps,
        telemetry: Telemetry,
        clock: Clock,
        random: Callable[[], float],
        call_lease: timedelta,
    ) -> None:
        """`random` returns [0, 1) for jitter; `call_lease` is a provider's time-out and a margin."""
        self._store = store
        self._composer = composer
        self._policy = policy
        self._choose_provider = choose_provider
        self._wake_ups = wake_ups
        self._telemetry = telemetry
        self._clock = clock
        self._random = random
        self._call_lease = call_lease

    def __call__(self, lane: Lane, limit: int = 1) -> int:
        """Deliver the oldest `limit` dispatches of the lane that are due; return how many were claimed."""
        now = self._clock()
        with self._store.write() as tx:
            claimed = tx.deliveries.claim(lane, limit, now, now + CLAIM_LEASE)
        for one in claimed:
            self._deliver(one)
        return len(claimed)

    def _deliver(self, claimed: Claimed) -> None:
        work = Work(claimed)
        test = any(letter.test for letter in claimed.letters)
        provider = self._choose_provider(claimed.channel, test)
        self._check(work)
        if work.outgoing and self._pass_gate(work, provider.name):
            self._send(work, provider)
        self._record(work, provider.name)

    def _check(self, work: Work) -> None:
        """Decide on each letter, and write those that may go."""
        now = self._clock()
        for message_id, expires_at in work.claimed.unreadable:
            if expires_at and expires_at <= now:
                work.settle(message_id, Status.EXPIRED)
            else:
                work.try_later(message_id, Transient(_UNREADABLE), now, self._random(), expires_at)
        for letter in work.claimed.letters:
            if letter.expires_at and letter.expires_at <= now:
                work.settle(letter.message_id, Status.EXPIRED)
                continue
            found = self._policy.verdict(
                letter.topic, letter.channel, letter.recipient.profile, letter.standing
            )
            if isinstance(found, Reason):
                work.settle(letter.message_id, Status.SKIPPED, reason=found)
                continue
            morning = self._too_late_tonight(work.claimed, letter, now)
            if morning:
                work.postpone(letter.message_id, morning, held=True)
                continue
            work.basis[letter.message_id] = found
            self._compose(work, letter, now)

    def _too_late_tonight(self, claimed: Claimed, letter: Letter, now: datetime) -> datetime | None:
        """Return the morning an SMS waits for, when it is so late that it would wake someone up."""
        if letter.channel is not Channel.SMS or now - claimed.planned_at <= LATE_AFTER:
            return None
        profile = letter.recipient.profile
        return morning_after(now, zone_of(profile.timezone, profile.effective_country))

    def _compose(self, work: Work, letter: Letter, now: datetime) -> None:
        try:
            if letter.channel is Channel.EMAIL:
                work.outgoing[letter.message_id] = self._composer.email(letter)
            else:
                work.outgoing[letter.message_id] = self._composer.sms(letter, now)
        except Exception as error:  # noqa: BLE001 - one poisoned message must not hold up its batch
            _log.error(
                "message could not be rendered",
                extra={
                    "message_id": letter.message_id,
                    "template": letter.template,
                    "error": type(error).__name__,
                },
            )
            work.settle(letter.message_id, Status.FAILED, detail="the template could not be rendered")

    def _pass_gate(self, work: Work, provider: str) -> bool:
        """Re-read opt-outs and addresses, drop who has left, and mark the rest as being called.

        Returns whether there is something to send; if not, no call is marked.
        """
        now = self._clock()
        waiting = [one for one in work.claimed.letters if one.message_id in work.outgoing]
        people = {one.recipient.id for one in waiting}
        hashes = {value for one in waiting for value in one.recipient.hashes.values()}
        with self._store.write() as tx:
            tx.consents.lock_in_gate(people, hashes)
            still_open = tx.deliveries.lock_open(work.claimed)
            corrected = self._drop_who_left(tx, work, waiting, still_open, now)
            if work.outgoing:
                tx.deliveries.start_call(work.claimed, provider, now + self._call_lease, corrected)
        return bool(work.outgoing)

    def _drop_who_left(
        self, tx: Transaction, work: Work, waiting: Sequence[Letter], still_open: set[int], now: datetime
    ) -> dict[int, bytes]:
        """Drop those who may not be written to any more; return new address hashes of the rest."""
        recipients = tx.recipients.by_numbers({one.recipient.id for one in waiting})
        present = [one for one in waiting if one.message_id in still_open and one.recipient.id in recipients]
        for letter in waiting:
            if letter not in present:  # cancelled, superseded, erased, or no longer ours
                work.outgoing.pop(letter.message_id, None)
        standings = tx.consents.standings(
            [(recipients[one.recipient.id], one.topic, one.channel) for one in present]
        )
        corrected = {}
        for letter, standing in zip(present, standings, strict=True):
            current = recipients[letter.recipient.id]
            address = current.hashes.get(letter.channel)
            found = self._policy.verdict(letter.topic, letter.channel, current.profile, standing)
            if isinstance(found, Reason):
                work.settle(letter.message_id, Status.SKIPPED, reason=found)
            elif address != letter.recipient.hashes.get(letter.channel):
                work.postpone(letter.message_id, now)  # the address was corrected after it was written
            elif address and address != letter.address_hash:
                corrected[letter.message_id] = address
        return corrected

    def _send(self, work: Work, provider: Provider[Any]) -> None:
        """Call the provider, with no transaction open."""
        at = self._clock()
        started = time.perf_counter()
        outcomes = provider.send(list(work.outgoing.values()))
        seconds = time.perf_counter() - started
        letters = {one.message_id: one for one in work.claimed.letters}
        for message_id, outcome in zip(list(work.outgoing), outcomes, strict=True):
            self._telemetry.provider_call(provider.name, name_of(outcome), seconds)
            detail = None if isinstance(outcome, Accepted) else outcome.reason
            work.record.attempts.append(
                AttemptMade(message_id, at, provider.name, name_of(outcome), detail, round(seconds * 1000))
            )
            work.note(letters[message_id], outcome, provider.name, self._clock(), self._random())

    def _record(self, work: Work, provider: str) -> None:
        """Write down what became of it all; a database that is away for a moment is waited for."""
        for pause in (*_RECORD_PAUSES, None):
            try:
                with self._store.write() as tx:
                    changed, rung = self._write(tx, work, self._clock())
                break
            except UnavailableError:
                if pause is None:
                    raise
                time.sleep(pause)
        self._tell(work, provider, changed, rung)

    def _write(self, tx: Transaction, work: Work, now: datetime) -> tuple[set[int], list[int]]:
        """Record, and give those that did not work out their next channel.

        Rows are locked in the order that everybody keeps: recipients, notifications, dispatch, messages.
        Returns the messages that changed, and the dispatches of the next channels.
        """
        letters = {one.message_id: one for one in work.claimed.letters}
        following = [
            (letters[one.message_id], channel)
            for one in work.record.settled
            if one.message_id in letters and (channel := _next_channel(letters[one.message_id], one.status))
        ]
        postponed = [letters[one] for one, _, _ in work.later if one in letters]
        if following:
            tx.recipients.keep_from_erasure({letter.recipient.id for letter, _ in following})
        asked = {letter.notification_id for letter in (*postponed, *(one for one, _ in following))}
        closed = tx.notifications.lock(asked) if asked else {}
        for letter in postponed:
            if status := closed.get(letter.notification_id):
                work.drop(letter.message_id, status)
        work.sum_up()
        changed = tx.deliveries.record(work.claimed, work.record, now)
        return changed, [
            tx.notifications.add_message(letter, channel, work.claimed.lane, now)
            for letter, channel in following
            if letter.message_id in changed and closed.get(letter.notification_id, _GONE) is None
        ]

    def _tell(self, work: Work, provider: str, changed: set[int], rung: Sequence[int]) -> None:
        """Count what changed, and ring for what follows."""
        if rung:
            self._wake_ups.ring(work.claimed.lane, rung)
        topics = {one.message_id: one.topic for one in work.claimed.letters}
        for one in work.record.settled:
            if one.message_id in changed:
                topic = self._policy.catalogue.numbered(topics.get(one.message_id, 0))
                name = topic.name if topic else ""
                reason = one.reason or ""
                self._telemetry.settled(name, work.claimed.channel, provider, one.status, reason)


def _next_channel(letter: Letter, status: Status) -> Channel | None:
    """Return the channel that `fallback` routing turns to, if any is left. Never on `unknown`."""
    if letter.routing is not Routing.FALLBACK or status not in _NEXT_CHANNEL_AFTER:
        return None
    later = letter.channels[letter.channels.index(letter.channel) + 1 :]
    return later[0] if later else None
