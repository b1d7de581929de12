"""What a person chose so far, as the use cases need it."""

from typing import Protocol

from notify.domain.history import PastPage


class History(Protocol):
    """Reads the ledger of one person backwards."""

    def of(self, recipient_id: int, *, before: int | None, limit: int) -> PastPage:
        """Return entries newest first; `before`: only those with a lower number."""
        ...
