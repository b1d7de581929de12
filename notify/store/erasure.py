"""The erasure of a person, as the use cases need it."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from notify.domain.delivery import StoredRecipient


class Erasure(Protocol):
    """Takes what is held on people."""

    def erase(self, recipient: StoredRecipient, now: datetime) -> None:
        """Delete everything held on the person but the keyed hashes and the bare ledger.

        The caller holds the gates off, and has locked the recipient.
        """
        ...

    def hashes(self, recipient: StoredRecipient) -> Collection[bytes]:
        """Return the hashes of all addresses that are known to be, or to have been, the person's."""
        ...
