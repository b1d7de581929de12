"""One visit to the preference centre that may change something."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from notify.domain.catalogue import Catalogue
from notify.domain.delivery import StoredRecipient
from notify.store import Transaction
from notify.usecases.preferences.recording_bars import coming, record_difference
from notify.usecases.preferences.recording_choices import Occasion


@dataclass(frozen=True, slots=True)
class Visit:
    """Whose it is, in which transaction, and on what occasion; gates are held off until its commit."""

    tx: Transaction
    recipient: StoredRecipient
    catalogue: Catalogue
    occasion: Occasion

    @contextmanager
    def on_the_ledger(self) -> Iterator[None]:
        """Put on the ledger what stops or comes again by what is done to the addresses meanwhile.

        Of everybody who has one of them: what bars an address bars it under every recipient id.
        """
        people = self._people()
        before = {one.id: coming(self.tx, self.catalogue, one) for one in people}
        yield
        for one in people:
            own = one.id == self.recipient.id
            occasion = self.occasion if own else replace(self.occasion, message_id=None)
            record_difference(self.tx, self.catalogue, one, before[one.id], occasion)

    def _people(self) -> list[StoredRecipient]:
        found = {self.recipient.id: self.recipient}
        for channel, value in self.recipient.hashes.items():
            found |= {one.id: one for one in self.tx.recipients.having(channel, [value])}
        return [found[number] for number in sorted(found)]
