"""Addresses that are barred, as the use cases need them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from notify.domain.catalogue import Channel
from notify.domain.consent import Scope
from notify.domain.suppressions import Suppressed


class Suppressions(Protocol):
    """Bars and readmits addresses. The caller holds the gates off (`Consents.lock_out_gates`)."""

    def bar(
        self,
        channel: Channel,
        address_hash: bytes,
        scope: Scope,
        *,
        reason: str,
        masked: str | None,
        now: datetime,
        until: datetime | None = None,
        paused_by: int | None = None,
    ) -> int:
        """Bar an address for a reason, once for each; return its number. It only ever gets wider.

        `until`: when it ends by itself, within a minute or so; None for never. `paused_by`: of a pause,
        the number of the person who wants it; it goes along to each address that they get.
        """
        ...

    def paused_by(self, recipient_id: int) -> Collection[tuple[Channel, bytes]]:
        """Return what is paused because this person wanted it, and nobody else, whoever has it now."""
        ...

    def resume_of(self, recipient_id: int) -> None:
        """Lift all of that."""
        ...

    def of(self, channel: Channel, hashes: Collection[bytes]) -> list[Suppressed]:
        """Return what bars these addresses, oldest first."""
        ...

    def hash_of(self, channel: Channel, address: str) -> bytes:
        """Return the keyed hash of an address as `Contacts` gives it."""
        ...

    def numbered(self, number: int) -> Suppressed | None:
        """Return one suppression."""
        ...

    def drop(self, number: int) -> bool:
        """Lift one suppression; return whether it was still there."""
        ...

    def lift(self, channel: Channel, hashes: Collection[bytes], reason: str) -> list[Suppressed]:
        """Lift what bars these addresses for this reason; return what was lifted."""
        ...

    def over(self, now: datetime, limit: int) -> Sequence[Suppressed]:
        """Return some whose end has come, in the order of their ends."""
        ...

    def end(self, numbers: Collection[int], now: datetime) -> int:
        """Delete these, but for those whose end has been moved meanwhile; return how many."""
        ...
