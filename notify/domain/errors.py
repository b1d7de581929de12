"""Every error the core raises; `web/errors.py` alone knows which is which HTTP status."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta


class NotifyError(Exception):
    """Root of all errors of this service."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing wrong with one field; `pointer` is a JSON Pointer (RFC 6901) into the body.

    `detail` never repeats the value: it may be personal, or a card number.
    """

    pointer: str
    detail: str


class InvalidRequestError(NotifyError):
    """The caller's input breaks a rule; names every field that does."""

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        """Keep `problems`, at least one."""
        super().__init__("; ".join(f"{p.pointer or '/'}: {p.detail}" for p in problems))
        self.problems = tuple(problems)


class NotFoundError(NotifyError):
    """What was asked for does not exist, or no longer does."""


class ConflictError(NotifyError):
    """The state of the thing forbids what was asked."""


class UnreachableError(ConflictError):
    """A person has no address left that may be written to."""


class TooManyRequestsError(NotifyError):
    """The same was asked for too often; `retry_after` is how long to wait."""

    def __init__(self, retry_after: timedelta) -> None:
        """Keep how long to wait."""
        super().__init__("asked for too often; wait a little")
        self.retry_after = retry_after


class IdempotencyMismatchError(NotifyError):
    """The idempotency key was used before, with another body."""


class IdempotencyInProgressError(NotifyError):
    """The first request with this idempotency key has not been answered yet."""


class InvalidTokenError(NotifyError):
    """A token is not ours, or not in its one spelling."""


class ConfigurationError(NotifyError):
    """A setting is missing or wrong; the text says which and what to do."""


class VaultError(NotifyError):
    """A sealed value cannot be opened: altered, sealed for another field, or its key is not there."""


class RenderingError(NotifyError):
    """A template does not render with its data; names template, language and part, never the data."""


class UnavailableError(NotifyError):
    """The database cannot be reached for the moment; the call may be repeated."""
