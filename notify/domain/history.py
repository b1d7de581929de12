"""The history of a person's own choices, as the preference centre tells it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from notify.domain.catalogue import Channel


@dataclass(frozen=True, slots=True)
class PastChoice:
    """One entry of the ledger. `topic` and `channel` are None for an acceptance of the privacy policy.

    `message_channel` and `message_at` tell of the message that led to it: None where none did, or it is gone.
    """

    number: int
    at: datetime
    topic: int | None
    channel: Channel | None
    subscribed: bool
    way: str
    policy_version: str | None
    message_channel: Channel | None = None
    message_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PastPage:
    """Some of the choices, newest first; `older` is the number to go on before, None on the last page."""

    choices: Sequence[PastChoice]
    older: int | None
