"""One visit to the preference centre that may change something."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from notify.domain.catalogue import Catalogue
from notify.domain.delivery import StoredRecipient
from notify.store import Transaction
from notify.usecases.recording_bars import coming, record_difference
from notify.usecases.recording_choices import Occasion


@dataclass(frozen=True, slots=True)
class Visit:
    """Whose it is, in which transaction, and on what occasion; gates are held off until its commit."""

    tx: Transaction
    recipient: StoredRecipient
    catalogue: Catalogue
    occasion: Occasion

    @contextmanager
    def on_the_ledger(self) -> Iterator[None]:
        """Put on the ledger what stops or comes again by what is done meanwhile."""
        before = coming(self.tx, self.catalogue, self.recipient)
        yield
        record_difference(self.tx, self.catalogue, self.recipient, before, self.occasion)
