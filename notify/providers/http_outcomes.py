"""What an HTTP answer, or its absence, says about a message: the table SendGrid and Twilio share."""

import json
import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

from notify.domain.outcome import Ambiguous, Outcome, Refused, Transient
from notify.providers.keep_alive import BrokenCallError, NotSentError

_LONGEST_WAIT: Final = 86_400.0
_UNSAID: Final = 1.0
_EPOCH_FROM: Final = 1_000_000_000  # a rate limit's reset below this counts seconds, above it is a date

CERTAIN_AND_PASSING: Final[Mapping[int, str]] = {
    401: "credentials refused",
    402: "account not in order",
    403: "credentials refused",
    404: "no such API at this address",
    405: "no such API at this address",
    408: "request timed out at the provider",
    421: "wrong server",
    425: "too early",
    429: "rate limited",
    503: "provider unavailable",
}
"""Certainly refused, whatever the body, and not for the message's sake: the operator's or the provider's."""

AMBIGUOUS: Final[Mapping[int, str]] = {
    502: "bad gateway",
    504: "gateway timed out",
}
"""A server in between lost sight of the call, whatever the body."""

STOPS_THE_BATCH: Final = frozenset({401, 402, 403, 404, 405, 429, 503})
"""After these, calling again at once for the next message would only be refused again."""


LAST_START_SECONDS: Final = 2.0
"""How long after a batch's first call another may begin: a batch lasts this and one call's time-out at most,
so that it ends before its lease does."""

NOT_IN_TIME: Final = Transient("not called in time")


def from_status(status: int, headers: Mapping[str, str], *, words: str, own_error: bool) -> Outcome:
    """Decide by the status alone. `words`: the provider's, without personal data.

    `own_error`: the body is the provider's own error, so that it knows what became of the call.
    """
    text = f"{status} {words}" if words else str(status)
    if status in CERTAIN_AND_PASSING:
        reason = f"{CERTAIN_AND_PASSING[status]}: {text}"
        return Transient(reason, retry_after(headers, limited=status == HTTPStatus.TOO_MANY_REQUESTS))
    if status in AMBIGUOUS:
        return Ambiguous(f"{AMBIGUOUS[status]}: {status}")
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Refused(text)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR and own_error:
        return Transient(text, retry_after(headers, limited=False))
    return Ambiguous(f"unexpected answer: {status}")


def from_failure(error: NotSentError | BrokenCallError) -> Outcome:
    """Decide where there was no answer."""
    return Transient(str(error)) if isinstance(error, NotSentError) else Ambiguous(str(error))


def ends_the_batch(error: NotSentError | BrokenCallError) -> bool:
    """Whether the next call would meet the same, and wait as long for it."""
    return isinstance(error, NotSentError) or error.timed_out


def not_called(outcome: Outcome) -> Transient:
    """Return the outcome of what was not even tried, because the call before it went like `outcome`."""
    after = outcome.retry_after if isinstance(outcome, Transient) else None
    reason = "" if not isinstance(outcome, Transient | Ambiguous) else outcome.reason
    return Transient(f"not called, after: {reason}", after)


def json_of(body: bytes | None) -> object:
    """Return the parsed body; None if it is not JSON."""
    try:
        parsed: object = json.loads(body or b"")
    except (ValueError, RecursionError):
        return None
    return parsed


def retry_after(headers: Mapping[str, str], *, limited: bool) -> float | None:
    """Return how many seconds the provider asks to wait, at most a day; None if it does not say.

    Retry-After is seconds or a date (RFC 9110, 10.2.3). `limited`: where absent, X-RateLimit-Reset counts,
    and where that is absent too, a second: limits are counted by the second.
    """
    given = headers.get("Retry-After")
    if given is not None and (seconds := _seconds(given.strip())) is not None:
        return seconds
    if not limited:
        return None
    reset = _seconds(headers.get("X-RateLimit-Reset", "").strip())
    return _UNSAID if reset is None else reset


def _seconds(text: str) -> float | None:
    """Read seconds, a Unix time or an HTTP date."""
    try:
        number = float(text)
    except ValueError:
        try:
            number = parsedate_to_datetime(text).timestamp()
        except (ValueError, OverflowError):
            return None
    if not math.isfinite(number):
        return None
    wait = number - time.time() if number >= _EPOCH_FROM else number
    return min(max(wait, 0.0), _LONGEST_WAIT)
