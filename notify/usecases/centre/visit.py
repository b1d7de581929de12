"""One visit to the preference centre that may change something."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from notify.domain.catalogue import Catalogue
from notify.domain.delivery import StoredRecipient
from notify.store import Transaction
from notify.usecases.preferences.holding import Address, holders_of
from notify.usecases.preferences.recording_bars import coming, record_difference
from notify.usecases.preferences.recording_choices import Occasion


@dataclass(frozen=True, slots=True)
class Visit:
    """Whose it is, in which transaction, and on what occasion.

    Gates of the person and of `addresses`, those that it is about, are held off until its commit.
    """

    tx: Transaction
    recipient: StoredRecipient
    addresses: Collection[Address]
    catalogue: Catalogue
    occasion: Occasion

    @contextmanager
    def on_the_ledger(self) -> Iterator[None]:
        """Put on the ledger what stops or comes again by what is done to the addresses meanwhile.

        Of everybody who has one of them: what bars an address bars it under every recipient id.
        """
        holders = holders_of(self.tx, self.addresses)
        before = coming(self.tx, self.catalogue, holders)
        yield
        record_difference(self.tx, self.catalogue, holders, before, self._occasion_of)

    def _occasion_of(self, person: StoredRecipient) -> Occasion:
        own = person.id == self.recipient.id
        return self.occasion if own else replace(self.occasion, message_id=None)
