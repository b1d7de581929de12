"""Profiles, and the tombstones of the erased, as the use cases need them."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol

from notify.domain.catalogue import Channel
from notify.domain.delivery import StoredRecipient
from notify.domain.recipients import ProfilePatch


class Recipients(Protocol):
    """Profiles, and the tombstones of the erased."""

    def upsert(
        self, given: Mapping[str, tuple[ProfilePatch, str | None]], now: datetime
    ) -> dict[str, StoredRecipient]:
        """Merge patches (normalised, each with its phone's country) by external id; locks rows in order.

        ConflictError: another transaction made one of several meanwhile, so begin anew.
        """
        ...

    def by_external_id(self, external_id: str, *, lock: bool = False) -> StoredRecipient | None:
        """Find one by the shop's id; `lock` keeps others from changing it until commit."""
        ...

    def countries(self, external_ids: Collection[str]) -> dict[str, str]:
        """Return the stored country of those that have one."""
        ...

    def by_numbers(self, numbers: Collection[int]) -> dict[int, StoredRecipient]:
        """Find those that are not gone."""
        ...

    def having(self, channel: Channel, hashes: Collection[bytes]) -> list[StoredRecipient]:
        """Find those who have one of these addresses now, oldest first."""
        ...

    def keep_from_erasure(self, numbers: Collection[int]) -> None:
        """Lock recipients so that they are not erased before commit; others may still change them."""
        ...

    def set_policy_consents(self, consent_ids: Mapping[int, int]) -> None:
        """Remember the ledger entry of each recipient's acceptance of the policy."""
        ...

    def erased_hashes(self, recipient_id: int, channel: Channel) -> list[bytes]:
        """Return the address hashes an erased recipient once had."""
        ...
