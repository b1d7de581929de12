"""Refusals of the web itself, before a use case is reached; `errors.py` gives each its status."""

from collections.abc import Sequence

from notify.domain.errors import NotifyError


class UnauthenticatedError(NotifyError):
    """The call carries no API key, or one that is unknown, revoked or expired."""

    def __init__(self, *, key_given: bool) -> None:
        """Remember whether a key was given at all: the challenge differs (RFC 6750 section 3)."""
        super().__init__("no valid API key")
        self.key_given = key_given


class ForbiddenError(NotifyError):
    """The key lacks the scope; `scopes` are those of which any one would do."""

    def __init__(self, scopes: Sequence[str]) -> None:
        """Keep the scopes needed."""
        super().__init__("scope missing")
        self.scopes = tuple(scopes)


class MalformedBodyError(NotifyError):
    """The body is not JSON; the text says where it breaks, never what stands there."""


class UnsupportedBodyError(NotifyError):
    """The body is of a type or an encoding that is not read here."""


class BodyTooLargeError(NotifyError):
    """The body is larger than the limit."""
