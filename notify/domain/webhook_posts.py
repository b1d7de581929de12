"""Posts of providers to our webhooks: as they arrive, and as they are kept until they are read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from notify.domain.errors import NotifyError

ACCEPTED: Final = "accepted"
FORGED: Final = "forged"
MALFORMED: Final = "malformed"
"""What may come of a post, as it is counted."""


@dataclass(frozen=True, slots=True)
class SignedPost:
    """A post as it arrived. `path` is what follows our public address, with the query, undecoded.

    `headers` by their names in lower case.
    """

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class KeptPost:
    """A post that waits to be read; `text` None: it could not be decrypted."""

    number: int
    text: str | None
    received_at: datetime
    tries: int


class ForgedPostError(NotifyError):
    """A post that its provider did not sign, or for which no key is set."""


class MalformedPostError(NotifyError):
    """A signed post that is not of the shape its provider documents; the text never repeats it."""
