"""Errands: what is to be done at a provider later, and when to try again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from notify.domain.errors import NotifyError

SENDGRID_ERASURE: Final = "sendgrid_erasure"
"""Have SendGrid forget addresses; payload `{"addresses": [...]}`."""

TELL_CANCELLED: Final = "tell_cancelled"
"""Tell the shop of the messages of a cancelled campaign; payload `{"campaign": number}`."""

OVERDUE_AFTER: Final = timedelta(days=7)
"""From then on every failure is an error an operator is told of; the tries go on."""

_PAUSES: Final = (
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
)
_LONGEST: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Errand:
    """One errand that was taken; `tries` counts this one. `payload` is None where it cannot be decrypted."""

    number: int
    kind: str
    payload: Mapping[str, Any] | None
    created_at: datetime
    tries: int


class ErrandError(NotifyError):
    """A provider did not do an errand; the text, which is logged, holds nothing personal."""


def next_try_at(tries: int, now: datetime) -> datetime:
    """Return when to try again after this many tries (from 1); later and later, then once a day."""
    return now + (_PAUSES[tries - 1] if tries <= len(_PAUSES) else _LONGEST)
