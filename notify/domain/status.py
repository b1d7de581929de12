"""The status of a message, and the one table of its legal moves."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """Where a message is. `scheduled`, `queued` and `sending` are all still open."""

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    FAILED = "failed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    UNKNOWN = "unknown"


class Reason(StrEnum):
    """Why a message was skipped or is held."""

    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"
    NO_ADDRESS = "no_address"
    NO_CONSENT = "no_consent"
    SUPERSEDED = "superseded"
    TOO_LATE = "too_late"
    DUPLICATE_ADDRESS = "duplicate_address"
    COUNTRY_NOT_ALLOWED = "country_not_allowed"
    BUDGET = "budget"
    OUTSIDE_HOURS = "outside_hours"


_S = Status

OPEN: Final = frozenset({_S.SCHEDULED, _S.QUEUED, _S.SENDING})

_DROPPED: Final = frozenset({_S.SKIPPED, _S.CANCELLED, _S.EXPIRED, _S.FAILED})
_REPORTED: Final = frozenset({_S.DELIVERED, _S.FAILED, _S.BOUNCED, _S.COMPLAINED})

MOVES: Final[Mapping[Status, frozenset[Status]]] = {
    _S.SCHEDULED: frozenset({_S.QUEUED, _S.SENDING}) | _DROPPED,
    # The one backward move: outside lawful hours a message goes back to `scheduled`.
    _S.QUEUED: frozenset({_S.SENDING, _S.SCHEDULED}) | _DROPPED,
    _S.SENDING: frozenset({_S.SENT, _S.UNKNOWN, _S.SCHEDULED}) | _DROPPED | _REPORTED,
    _S.SENT: _REPORTED,
    # Settled by the provider's events or look-ups, or sent again by an explicit policy.
    _S.UNKNOWN: frozenset({_S.SENT, _S.QUEUED, _S.CANCELLED, _S.SKIPPED}) | _REPORTED,
    # A late bounce or complaint wins over a delivery.
    _S.DELIVERED: frozenset({_S.BOUNCED, _S.COMPLAINED}),
    _S.SKIPPED: frozenset(),
    _S.CANCELLED: frozenset(),
    _S.EXPIRED: frozenset(),
    _S.FAILED: frozenset(),
    _S.BOUNCED: frozenset(),
    _S.COMPLAINED: frozenset(),
}

_RANK: Final = (
    _S.SCHEDULED, _S.QUEUED, _S.SENDING, _S.UNKNOWN, _S.SENT, _S.DELIVERED,
    _S.FAILED, _S.BOUNCED, _S.EXPIRED, _S.CANCELLED, _S.COMPLAINED, _S.SKIPPED,
)  # fmt: skip
_PROGRESS: Final = {status: rank for rank, status in enumerate(_RANK)}


def may_move(old: Status, new: Status) -> bool:
    """Whether a message in `old` may become `new`."""
    return new in MOVES[old]


def overall(statuses: list[Status]) -> Status:
    """Return a notification's status: `skipped` if all are, else the least advanced of the rest."""
    sent = [status for status in statuses if status is not Status.SKIPPED]
    return min(sent, key=_PROGRESS.__getitem__) if sent else Status.SKIPPED
