"""Suppressions: an address barred from marketing or from everything, and why."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from notify.domain.catalogue import Channel
from notify.domain.consent import Scope

HARD_BOUNCE: Final = "hard_bounce"
SOFT_BOUNCES: Final = "soft_bounces"
COMPLAINT: Final = "complaint"
STOP: Final = "stop"
"""A STOP by SMS; START lifts it."""
PAUSE: Final = "pause"
"""The person wants no marketing until a day they chose."""
DISPUTED: Final = "disputed"
"""“This is not me.”"""
ERASURE: Final = "erasure"
MANUAL: Final = "manual"
IMPORTED: Final = "imported"


@dataclass(frozen=True, slots=True)
class Suppressed:
    """One suppression of one address, as it is in force; `until` is None where it has no end."""

    number: int
    channel: Channel
    address_hash: bytes
    scope: Scope
    reason: str
    created_at: datetime
    until: datetime | None
