"""API keys, as the use cases need them."""

from datetime import datetime
from typing import Protocol

from notify.domain.api_keys import KeyRow


class ApiKeys(Protocol):
    """API keys, found by the SHA-256 of the key."""

    def add(self, digest: bytes, row: KeyRow) -> None:
        """Store a key; the row's id is given by the database."""
        ...

    def by_digest(self, digest: bytes) -> KeyRow | None:
        """Find a key."""
        ...

    def all(self) -> list[KeyRow]:
        """Return all keys, oldest first."""
        ...

    def revoke(self, key_id: int, now: datetime) -> bool:
        """Revoke; False if there is none to revoke."""
        ...

    def note_use(self, key_id: int, now: datetime) -> None:
        """Remember when it was last used."""
        ...
