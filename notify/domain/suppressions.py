"""Suppressions: an address barred from marketing or from everything, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
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

REASONS: Final = (
    HARD_BOUNCE, SOFT_BOUNCES, COMPLAINT, STOP, PAUSE, DISPUTED, ERASURE, MANUAL, IMPORTED,
)  # fmt: skip


class ShopReason(StrEnum):
    """Why a shop may bar an address by itself."""

    MANUAL = MANUAL
    HARD_BOUNCE = HARD_BOUNCE
    COMPLAINT = COMPLAINT
    STOP = STOP


SHOP_SCOPES: Final[Mapping[ShopReason, Scope]] = {
    ShopReason.MANUAL: Scope.ALL,
    ShopReason.HARD_BOUNCE: Scope.ALL,
    ShopReason.COMPLAINT: Scope.MARKETING,
    ShopReason.STOP: Scope.MARKETING,
}
"""What each reason bars an address from where the shop does not say."""

WHO_LIFTS: Final[Mapping[str, str]] = {
    COMPLAINT: "they can, in their preference centre",
    STOP: "they can, by answering START to an SMS or in their preference centre",
    PAUSE: "they can, in their preference centre, and it ends by itself",
    DISPUTED: "whoever holds the address said that it is not the recipient's: correct the profile",
    ERASURE: "the address of somebody who was erased is barred from marketing for good",
}
"""What the shop cannot lift, because a person asked for it; and who can."""


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
