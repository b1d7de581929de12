"""API keys: made, stored hashed, checked, revoked."""

import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from notify.domain.api_keys import KeyRow
from notify.domain.digests import digest_of
from notify.domain.errors import NotFoundError, UnavailableError
from notify.ports import Clock
from notify.store import Store

_TRUSTED_FOR: Final = timedelta(seconds=5)
"""How long a checked key is not looked up again; a revocation takes effect within this time."""
_USE_NOTED_EVERY: Final = timedelta(minutes=1)


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

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def __call__(
        self, name: str, scopes: frozenset[KeyScope], *, test: bool, expires_at: datetime | None
    ) -> str:
        """Make a key and return it; it is never shown again, only its SHA-256 is stored."""
        key = f"{'test' if test else 'live'}_{secrets.token_urlsafe(32)}"
        row = KeyRow(0, name, key[:9], frozenset(scopes), test, self._clock(), expires_at, None, None)
        with self._store.write() as tx:
            tx.api_keys.add(digest_of(key), row)
        return key


class ListKeys:
    """Lists API keys."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self) -> list[KeyRow]:
        """Return all keys, oldest first."""
        with self._store.read() as tx:
            return tx.api_keys.all()


class RevokeKey:
    """Revokes API keys."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def __call__(self, key_id: int) -> None:
        """Revoke a key, within five seconds. NotFoundError."""
        with self._store.write() as tx:
            if not tx.api_keys.revoke(key_id, self._clock()):
                raise NotFoundError("no key of that id, or revoked already")


class Authenticate:
    """Checks the key of a call."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._trusted: dict[bytes, tuple[datetime, KeyRow]] = {}
        self._lock = threading.Lock()
        self._noting = threading.Lock()

    def __call__(self, key: str) -> Caller | None:
        """Return the caller; None if the key is unknown, revoked or expired."""
        now = self._clock()
        row = self._found(digest_of(key), now)
        if row is None or not row.valid_at(now):
            return None
        scopes = frozenset(KeyScope(scope) for scope in row.scopes)
        return Caller(row.id, row.name, scopes, row.test)

    def _found(self, digest: bytes, now: datetime) -> KeyRow | None:
        checked_at, row = self._trusted.get(digest, (None, None))
        if checked_at and now - checked_at < _TRUSTED_FOR:
            return row
        with self._store.read() as tx:
            row = tx.api_keys.by_digest(digest)
        if row is None:
            return None
        self._note_use(row, now)
        with self._lock:
            self._trusted = {
                known: entry for known, entry in self._trusted.items() if now - entry[0] < _TRUSTED_FOR
            } | {digest: (now, row)}
        return row

    def _note_use(self, row: KeyRow, now: datetime) -> None:
        """Write down that the key was used, at most once a minute; never at the price of the call."""
        if row.last_used_at and now - row.last_used_at < _USE_NOTED_EVERY:
            return
        if not self._noting.acquire(blocking=False):  # one thread is enough: others would wait for its lock
            return
        try:
            with self._store.write() as tx:
                tx.api_keys.note_use(row.id, now)
        except UnavailableError:
            return
        finally:
            self._noting.release()
