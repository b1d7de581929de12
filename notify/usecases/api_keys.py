"""API keys: made, stored hashed, checked, revoked."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class KeyScope(StrEnum):
    """What a key may do; `admin` is everything."""

    ADMIN = "admin"
    SEND = "send"
    READ = "read"
    RECIPIENTS = "recipients"
    CAMPAIGNS = "campaigns"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the key's id and name, its scopes, and whether its messages end in the outbox."""

    key_id: int
    name: str
    scopes: frozenset[KeyScope]
    test: bool

    def may(self, scope: KeyScope) -> bool:
        """Whether the key has the scope, or is admin."""
        return scope in self.scopes or KeyScope.ADMIN in self.scopes


class CreateKey:
    """Makes API keys."""

    def __call__(
        self, name: str, scopes: frozenset[KeyScope], *, test: bool, expires_at: datetime | None
    ) -> str:
        """Make a key and return it; it is never shown again, only its SHA-256 is stored."""
        raise NotImplementedError


class Authenticate:
    """Checks the key of a call."""

    def __call__(self, key: str) -> Caller | None:
        """Return the caller; None if the key is unknown, revoked or expired."""
        raise NotImplementedError
