"""The door of the API: who calls, and whether their key's scopes allow it."""

from collections.abc import Callable, Sequence
from typing import Final

from flask import request

from notify.usecases.api_keys import Caller, KeyScope
from notify.web.refusals import ForbiddenError, UnauthenticatedError

MAX_KEY_LENGTH: Final = 512


class Door:
    """Admits callers by `Authorization: Bearer` (RFC 6750)."""

    def __init__(self, authenticate: Callable[[str], Caller | None]) -> None:
        """Take the use case that knows the keys."""
        self._authenticate = authenticate

    def admit(self, scopes: Sequence[KeyScope]) -> Caller:
        """Return the caller if the key has any one of `scopes`. UnauthenticatedError, ForbiddenError."""
        key = self._key()
        caller = self._authenticate(key)
        if caller is None:
            raise UnauthenticatedError(key_given=True)
        if not any(caller.may(scope) for scope in scopes):
            raise ForbiddenError(scopes)
        return caller

    @staticmethod
    def _key() -> str:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key:
            raise UnauthenticatedError(key_given=False)
        if len(key) > MAX_KEY_LENGTH or not key.isascii() or not key.isprintable():
            raise UnauthenticatedError(key_given=True)
        return key
