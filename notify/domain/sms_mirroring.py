"""What a provider is told of opt-outs that it did not hear itself, so that both bar the same numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Self

from notify.domain.ledger import LINK, ONE_CLICK, PREFERENCE_CENTRE, START, STOP, UNDO
from notify.domain.sms_senders import SmsSenders

TWILIO_CONSENT: Final = "twilio_consent"
"""The errand that tells Twilio; payload `{"items": [...]}`, each a `ToTell`."""

MOST_TOLD: Final = 25
"""In one call (twilio.com/docs/messaging/features/consent-api)."""

OTHERS: Final = "others"
_SOURCES: Final[Mapping[str, str]] = {
    STOP: "opt-out-message",
    START: "opt-in-message",
    LINK: "website",
    ONE_CLICK: "website",
    PREFERENCE_CENTRE: "website",
    UNDO: "website",
}


@dataclass(frozen=True, slots=True)
class ToTell:
    """That a provider is to be told how a number and a sender stand, once it is its turn.

    `hash` is the keyed hash of the number, in hexadecimal; `reference` 32 hexadecimal digits of its own. `at`
    (RFC 3339) and `source` are those of the choice that led to it.
    """

    reference: str
    hash: str
    sender: str
    source: str
    at: str

    @property
    def key(self) -> tuple[bytes, str]:
        """The number and the sender."""
        return bytes.fromhex(self.hash), self.sender

    def to_json(self) -> dict[str, Any]:
        """Return it as an errand holds it."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what `to_json` made."""
        return cls(**value)


@dataclass(frozen=True, slots=True)
class Told:
    """What a provider is told: that a number has, or has no longer, opted out of all that a sender sends."""

    reference: str
    phone: str
    sender: str
    opted_out: bool
    source: str
    at: str


@dataclass(frozen=True, slots=True)
class Mirrored:
    """What a provider has been told, or has heard itself, of a number and a sender.

    `at`: when it heard that, or when we began to tell it.
    """

    phone_hash: bytes
    sender: str
    opted_out: bool
    at: datetime


def heard(
    senders: SmsSenders, names: Sequence[str], phone_hash: bytes, at: datetime, *, opted_out: bool
) -> list[Mirrored]:
    """Return what a provider knows since it heard a STOP or START itself, to a sender by any of its names."""
    asked = {one.casefold() for one in names}
    ours = sorted({sender for sender, _ in senders if sender.casefold() in asked})
    return [Mirrored(phone_hash, sender, opted_out, at) for sender in ours]


def source_of(way: str) -> str:
    """Return where a provider is told that a choice was made, by its way on the ledger."""
    return _SOURCES.get(way, OTHERS)
