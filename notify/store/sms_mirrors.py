"""What a provider was last told about numbers and senders, as the use cases need it."""

from collections.abc import Collection, Sequence
from typing import Protocol

from notify.domain.sms_mirroring import Mirrored


class SmsMirrors(Protocol):
    """What the provider knows of who has opted out; of what is not here it knows nothing."""

    def known(self, hashes: Collection[bytes]) -> dict[tuple[bytes, str], Mirrored]:
        """Return, by number and sender, what the provider knows."""
        ...

    def note(self, mirrored: Sequence[Mirrored]) -> None:
        """Note what the provider knows now, or is about to be told."""
        ...
