"""What came of one try to hand a message to a provider. Adapters classify; nobody else guesses."""

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider has taken the message; `provider_message_id` is its own id for it."""

    provider_message_id: str | None = None


class AddressFault(StrEnum):
    """What a refusal says of the address itself."""

    STOPPED = "stopped"
    """Its owner has sent STOP to the sender."""
    BAD = "bad"
    """Nothing can ever be delivered to it."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider certainly refused it, for good. `reason` is the provider's own, without personal data.

    `fault` is set where the address is to blame, so that no later message goes there in vain.
    """

    reason: str
    fault: AddressFault | None = None


@dataclass(frozen=True, slots=True)
class Transient:
    """The provider certainly did not take it, but may later; `retry_after` in seconds if it said so.

    `part`, if any: a call was being taken apart to find who it is refused for, and there was no time to call
    this part of it. Messages of one part are tried again together, and apart from the others.
    """

    reason: str
    retry_after: float | None = None
    part: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Nobody knows: the call was under way when it broke. Never sent again on a guess."""

    reason: str


_NAMES = {Accepted: "accepted", Refused: "refused", Transient: "transient", Ambiguous: "unknown"}

Outcome = Accepted | Refused | Transient | Ambiguous


def name_of(outcome: Outcome) -> str:
    """Return the word for an outcome in attempts, metrics and logs."""
    return _NAMES[type(outcome)]
