"""What a provider's refusal of an address means for it: its owner sent STOP, or it is bad for good."""

from collections.abc import Sequence
from datetime import datetime

from notify.domain.addresses import masked
from notify.domain.consent import Scope
from notify.domain.delivery import Letter
from notify.domain.outcome import AddressFault
from notify.domain.suppressions import HARD_BOUNCE
from notify.store import Transaction
from notify.usecases.delivery.dispatch_work import Work
from notify.usecases.preferences.holding import held
from notify.usecases.sms.provider_stops import ProviderStops, StoppedNumber


class RefusedAddresses:
    """Bars addresses that calls were refused for, in the transaction that records the calls."""

    def __init__(self, stops: ProviderStops) -> None:
        self._stops = stops

    def bar(self, tx: Transaction, works: Sequence[Work], now: datetime) -> None:
        """Bar them, their gates locked out before anything else of the transaction is locked."""
        faulty = [
            (letter, fault, letter.address_hash, work.record.attempts[-1].at)
            for work in works
            if work.faults
            for letter in work.claimed.letters
            if (fault := work.faults.get(letter.message_id)) and letter.address_hash
        ]
        if not faulty:
            return
        stopped = [
            _stopped(one, value, called_at)
            for one, fault, value, called_at in faulty
            if fault is AddressFault.STOPPED
        ]
        people = {one.recipient_id for one, *_ in faulty}
        hashes = {value for _, _, value, _ in faulty}
        holders = held(
            tx,
            lambda: self._stops.holders(tx, {one.address_hash for one in stopped}),
            lambda known: (people | {one.id for having in known.values() for one in having}, hashes),
        )
        self._stops.record(tx, stopped, holders, now)
        bad = {(one.channel, value): one for one, fault, value, _ in faulty if fault is AddressFault.BAD}
        for (channel, value), letter in sorted(bad.items()):
            shown = masked(channel, letter.address)
            tx.suppressions.bar(channel, value, Scope.ALL, reason=HARD_BOUNCE, masked=shown, now=now)


def _stopped(letter: Letter, address_hash: bytes, called_at: datetime) -> StoppedNumber:
    return StoppedNumber(address_hash, letter.topic, letter.message_id, letter.locale, called_at)
