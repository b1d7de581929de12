"""The gate: one short transaction right before the socket, in which opt-outs are read for the last time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from notify.domain.catalogue import Channel, Purpose
from notify.domain.consent import OF_POLICY, OF_PREFERENCE, Basis
from notify.domain.delivery import AtGate, CampaignErrand, Correction
from notify.domain.eligibility import Policy
from notify.domain.errors import ConflictError
from notify.domain.status import Reason, Status
from notify.ports import Clock
from notify.store import Store, Transaction
from notify.usecases.delivery.dispatch_work import Work

_MOMENT: Final = timedelta(seconds=0.1)


class Gate:
    """Lets through who may still be written to, and marks their dispatches as being called."""

    def __init__(
        self,
        store: Store,
        policy: Policy,
        clock: Clock,
        *,
        call_lease: timedelta,
        sms_daily_limit: int | None = None,
    ) -> None:
        """`call_lease` is a provider's time-out and a margin."""
        self._store = store
        self._policy = policy
        self._clock = clock
        self._call_lease = call_lease
        self._sms_daily_limit = sms_daily_limit

    def pass_through(self, works: Sequence[Work]) -> None:
        """Drop from `outgoing` whoever may not be written to; mark what is left as being called.

        ConflictError if others bring a campaign to addresses of this batch again and again.
        """
        try:
            self._pass_through(works)
        except ConflictError:  # another gate, or the pump, came to an address that somebody here moved to
            self._pass_through(works)

    def _pass_through(self, works: Sequence[Work]) -> None:
        people = {one.recipient_id for work in works for one in work.claimed.letters}
        hashes = {one.address_hash for work in works for one in work.claimed.letters if one.address_hash}
        with self._store.write() as tx:
            tx.consents.lock_in_gate(people, hashes)
            rows: dict[int, list[AtGate]] = {}
            for alike in tx.deliveries.at_gate([work.claimed for work in works]):
                rows.setdefault(alike.dispatch_id, []).append(alike)
            now = self._clock()  # an opt-out may have been waited for, beyond the end of lawful hours
            decided = [
                (work, self._decide(work, rows.get(work.claimed.dispatch_id, []), now)) for work in works
            ]
            corrections = self._once(tx, decided, now)
            self._keep_to_budget(tx, works, now)
            calls = {work.claimed.dispatch_id: work.provider.name for work in works if work.outgoing}
            if calls:
                tx.deliveries.start_calls(calls, now, now + self._call_lease, corrections)

    def _decide(self, work: Work, rows: Sequence[AtGate], now: datetime) -> list[Correction]:
        """Drop who left and what is no longer open; return what of the others' rows is out of date."""
        corrections = []
        letters = work.letters
        open_ones = set()
        for alike in rows:
            verdict = self._verdict(alike)
            reason = verdict if isinstance(verdict, Reason) else None
            regime, rests_on = ("", None) if isinstance(verdict, Reason) else verdict
            for number, address_hash, planned, basis, entry, of_preference, of_policy in alike.messages:
                if number not in work.outgoing:
                    continue
                open_ones.add(number)
                consent = (
                    of_preference if rests_on == OF_PREFERENCE
                    else of_policy if rests_on == OF_POLICY
                    else None
                )  # fmt: skip
                if reason:
                    work.settle(number, Status.SKIPPED, reason=reason)
                elif address_hash != letters[number].address_hash:
                    work.postpone(number, now)  # the address was corrected after it was written
                elif work.stale_after and now > work.stale_after:
                    work.postpone(number, now)  # to be looked at anew, with the hour that it is by then
                elif planned != address_hash or basis != regime or entry != consent:
                    moved = planned != address_hash
                    corrections.append(Correction(number, address_hash, moved, regime, consent))
        for message_id in work.outgoing.keys() - open_ones:  # cancelled, superseded, or no longer ours
            work.outgoing.pop(message_id)
        return corrections

    def _once(
        self, tx: Transaction, decided: Sequence[tuple[Work, list[Correction]]], now: datetime
    ) -> list[Correction]:
        """Drop those whose new address a campaign reaches already, or is about to in this batch."""
        moved: dict[tuple[int, Channel], dict[int, bytes]] = {}
        for work, corrections in decided:
            for one in corrections:
                errand = work.claimed.letters[0].errand
                if one.moved and one.address_hash and isinstance(errand, CampaignErrand):
                    key = (errand.campaign_id, work.claimed.channel)
                    moved.setdefault(key, {})[one.message_id] = one.address_hash
        taken: set[int] = set()
        busy: set[int] = set()
        for (campaign_id, channel), hashes in moved.items():
            for_good, for_now = tx.deliveries.make_way(campaign_id, channel, hashes)
            taken |= for_good
            busy |= for_now
        for work, corrections in decided:
            for one in corrections:
                if one.message_id in taken:
                    work.settle(one.message_id, Status.SKIPPED, reason=Reason.DUPLICATE_ADDRESS)
                elif one.message_id in busy:  # at odd times, so that two do not meet again and again
                    work.postpone(one.message_id, now + _MOMENT * (1 + one.message_id % 7))
        stay = taken | busy
        return [one for _, corrections in decided for one in corrections if one.message_id not in stay]

    def _verdict(self, alike: AtGate) -> Basis | Reason:
        """Decide on messages. A test goes to whomever it was addressed to, unless they left."""
        if not alike.present:
            return Reason.NO_ADDRESS
        if not alike.known:
            return self._policy.verdict_on_test(alike.topic, alike.standing)
        return self._policy.verdict(alike.topic, alike.channel, alike.phone_country, alike.standing)

    def _keep_to_budget(self, tx: Transaction, works: Sequence[Work], now: datetime) -> None:
        """Skip what is over the day's number of SMS, of which marketing may use four fifths."""
        if self._sms_daily_limit is None:
            return
        texts: dict[Purpose, list[tuple[Work, int]]] = {Purpose.TRANSACTIONAL: [], Purpose.MARKETING: []}
        for work in works:
            for letter in work.claimed.letters:
                # A test key's end in the outbox and cost nothing.
                if (
                    letter.channel is Channel.SMS
                    and letter.message_id in work.outgoing
                    and not letter.errand.test
                ):
                    topic = self._policy.catalogue.numbered(letter.topic)
                    texts[topic.purpose if topic else Purpose.MARKETING].append((work, letter.message_id))
        limits = {
            Purpose.TRANSACTIONAL: self._sms_daily_limit,
            Purpose.MARKETING: self._sms_daily_limit * 4 // 5,
        }
        for purpose, asked in texts.items():
            granted = tx.sms_budget.spend(now.date(), len(asked), limits[purpose]) if asked else 0
            for work, message_id in asked[granted:]:
                work.settle(message_id, Status.SKIPPED, reason=Reason.BUDGET)
