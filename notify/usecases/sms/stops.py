"""STOP and START of a number: the suppression, and an entry for each topic that stops or comes again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from notify.domain.addresses import masked
from notify.domain.catalogue import Catalogue, Channel
from notify.domain.consent import Scope, bars
from notify.domain.delivery import StoredRecipient
from notify.domain.ledger import Left
from notify.domain.suppressions import STOP
from notify.store import Transaction
from notify.usecases.preferences.holding import Holders, held_holders
from notify.usecases.preferences.recording_bars import Coming, coming, record_difference
from notify.usecases.preferences.recording_choices import Occasion


@dataclass(frozen=True, slots=True)
class SmsStops:
    """Bars a number for a STOP, whoever has it, also nobody; the caller holds the gates off (`hold`)."""

    catalogue: Catalogue

    def hold(self, tx: Transaction, address_hash: bytes) -> Sequence[StoredRecipient]:
        """Wait for open gates of a number, keep new ones shut until commit, and return who has it."""
        key = (Channel.SMS, address_hash)
        return held_holders(tx, {key}).get(key, ())

    def stop(
        self,
        tx: Transaction,
        address_hash: bytes,
        people: Sequence[StoredRecipient],
        scope: Scope,
        occasion: Occasion,
        *,
        phone: str | None,
    ) -> None:
        """Bar the number; what was barred from more stays so, and no older undo weakens it.

        `phone` None: nobody knows it any more.
        """
        holders = {(Channel.SMS, address_hash): people}
        before = coming(tx, self.catalogue, holders)
        tx.consents.void_undos(
            [
                Left(person.id, topic.number, Channel.SMS, [address_hash])
                for person in people
                for topic in self.catalogue
                if bars(scope, topic)
            ]
        )
        tx.suppressions.bar(
            Channel.SMS,
            address_hash,
            scope,
            reason=STOP,
            masked=masked(Channel.SMS, phone),
            now=occasion.at,
        )
        self._record(tx, holders, before, occasion)

    def start(
        self, tx: Transaction, address_hash: bytes, people: Sequence[StoredRecipient], occasion: Occasion
    ) -> None:
        """Lift a STOP, and nothing else."""
        holders = {(Channel.SMS, address_hash): people}
        before = coming(tx, self.catalogue, holders)
        tx.suppressions.lift(Channel.SMS, [address_hash], STOP)
        self._record(tx, holders, before, occasion)

    def _record(self, tx: Transaction, holders: Holders, before: Coming, occasion: Occasion) -> None:
        record_difference(
            tx,
            self.catalogue,
            holders,
            before,
            lambda one: replace(occasion, locale=one.profile.locale or occasion.locale),
        )
