"""What the use cases need of the database, as Protocols: transactions and what can be done in one."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import Any, Protocol

from notify.campaign_store import Audiences, Campaigns
from notify.domain.api_keys import KeyRow
from notify.domain.catalogue import Channel
from notify.domain.consent import Scope, Standing
from notify.domain.delivery import (
    AtGate,
    Claimed,
    Closed,
    Correction,
    Hopeless,
    NotificationDraft,
    Record,
    Recovered,
    SentTo,
    StoredNotification,
    StoredRecipient,
)
from notify.domain.ledger import Change, Choices, LedgerEntry, OptedOut, Undo, UndoDraft
from notify.domain.recipients import ProfilePatch
from notify.domain.requests import Lane
from notify.domain.status import Status
from notify.domain.token_claims import OptOutClaim
from notify.event_store import Doubts, Events
from notify.import_store import Imports

StandingKey = tuple[StoredRecipient, int, Channel]
"""Recipient, topic number, channel."""


class Recipients(Protocol):
    """Profiles, and the tombstones of the erased."""

    def upsert(
        self, given: Mapping[str, tuple[ProfilePatch, str | None]], now: datetime
    ) -> dict[str, StoredRecipient]:
        """Merge patches (normalised, each with its phone's country) by external id; locks rows in order."""
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

    def keep_from_erasure(self, numbers: Collection[int]) -> None:
        """Lock recipients so that they are not erased before commit; others may still change them."""
        ...

    def set_policy_consents(self, consent_ids: Mapping[int, int]) -> None:
        """Remember the ledger entry of each recipient's acceptance of the policy."""
        ...

    def erased_hashes(self, recipient_id: int, channel: Channel) -> list[bytes]:
        """Return the address hashes an erased recipient once had."""
        ...

    def erase(self, recipient: StoredRecipient, now: datetime) -> None:
        """Delete everything held on the person but the keyed hashes and the bare ledger."""
        ...


class Consents(Protocol):
    """Preferences, opt-outs of addresses, suppressions, and the ledger behind them."""

    def lock_out_gates(self, recipient_ids: Iterable[int], hashes: Iterable[bytes]) -> None:
        """Wait for open gates on these people and addresses, and keep new ones shut until commit."""
        ...

    def lock_in_gate(self, recipient_ids: Iterable[int], hashes: Iterable[bytes]) -> None:
        """Keep opt-outs of these people and addresses waiting until this gate's commit."""
        ...

    def standings(self, keys: Sequence[StandingKey]) -> list[Standing]:
        """Read what is known about each; in order."""
        ...

    def first_standings(self, keys: Sequence[StandingKey]) -> list[Standing]:
        """Read the same without a lock, of recipients right after their `upsert`, maybe as it was then."""
        ...

    def append(self, entries: Sequence[LedgerEntry]) -> list[int]:
        """Append to the ledger; return the entries' numbers."""
        ...

    def record(
        self,
        entries: Sequence[LedgerEntry],
        changes: Sequence[Change],
        hashes: Collection[bytes],
        undo: UndoDraft | None,
    ) -> list[int]:
        """Append one entry for each change of one person, and apply it; return the entries' numbers.

        Stores the preference, and bars or readmits the addresses `hashes`. `undo` takes all of it back.
        """
        ...

    def accepted_versions(self, recipient_ids: Collection[int]) -> set[tuple[int, str]]:
        """Return who has accepted which version of the privacy policy."""
        ...

    def set_preference(self, recipient_id: int, change: Change, consent_id: int, now: datetime) -> None:
        """Store one preference."""
        ...

    def clear_preference(self, recipient_id: int, topic: int, channel: Channel) -> None:
        """Forget one preference, as if never chosen."""
        ...

    def address_opted_out(self, topic: int, channel: Channel, hashes: Collection[bytes]) -> set[bytes]:
        """Return which of the hashes left the topic."""
        ...

    def choices(self, recipient_id: int, channel: Channel, hashes: Collection[bytes]) -> Choices:
        """Read what a person chose on a channel, and which topics these addresses left."""
        ...

    def opt_out_addresses(
        self, topic: int, channel: Channel, hashes: Collection[bytes], consent_id: int, now: datetime
    ) -> None:
        """Bar the addresses from the topic."""
        ...

    def readmit_addresses(self, topic: int, channel: Channel, hashes: Collection[bytes]) -> None:
        """Take back what `opt_out_addresses` did."""
        ...

    def suppress(
        self,
        channel: Channel,
        address_hash: bytes,
        scope: Scope,
        *,
        reason: str,
        masked: str | None,
        now: datetime,
    ) -> None:
        """Bar an address; harmless to repeat."""
        ...

    def readmit_by_consents(self, consent_ids: Collection[int]) -> None:
        """Take back the opt-outs of addresses that these ledger entries made."""
        ...

    def last_opt_out_at(self, recipient: StoredRecipient, topic: int, channel: Channel) -> datetime | None:
        """Return when the person, or their address under whatever recipient id, last opted out."""
        ...

    def copy_undo(
        self, recipient_id: int, consent_id: int, digest: bytes, *, broad: bool, now: datetime
    ) -> bool:
        """Keep a second token for the undo of this ledger entry, if it is still good."""
        ...

    def undo_owner(self, digest: bytes) -> int | None:
        """Return whose undo it is, without taking it."""
        ...

    def drop_undos(self, recipient_id: int, *, narrow_only: bool) -> None:
        """Void the undos of a person, or only those that are not of a broad stop."""
        ...

    def drop_spent_undos(self, now: datetime) -> int:
        """Delete undos that ran out; return how many."""
        ...

    def keep_undo(self, digest: bytes, undo: Undo, expires_at: datetime) -> None:
        """Keep an undo."""
        ...

    def take_undo(self, digest: bytes, now: datetime) -> Undo | None:
        """Take an undo, once; None if unknown, used or too late."""
        ...


class Notifications(Protocol):
    """What callers asked for."""

    def begin_idempotent(
        self, key: str, request: bytes, now: datetime, recipients: Collection[str] = ()
    ) -> list[Any] | None:
        """Claim a key for this transaction; return the saved results if it was used before.

        If it was not, `recipients` (external ids) may be locked in the same look, for an upsert to come.
        IdempotencyMismatchError, IdempotencyInProgressError.
        """
        ...

    def saved_results(self, key: str, request: bytes) -> list[Any] | None:
        """Return what was saved with a key, if anything. IdempotencyMismatchError."""
        ...

    def save_results(self, key: str, results: list[Any]) -> None:
        """Save the answer with the key."""
        ...

    def drop_keys_before(self, at: datetime) -> int:
        """Delete idempotency keys older than `at`; return how many."""
        ...

    def add(self, drafts: Sequence[NotificationDraft]) -> list[StoredNotification]:
        """Insert notifications, their messages and the dispatches of those that may go; in order."""
        ...

    def add_message(self, after: int, channel: Channel, lane: Lane, now: datetime) -> int:
        """Give the notification of message `after` its next channel's, due now; return its dispatch."""
        ...

    def supersede(
        self,
        notification_id: int,
        recipient_id: int,
        reference: str,
        templates: Collection[str],
        now: datetime,
    ) -> list[Closed]:
        """Skip what waits of earlier notifications with this reference and one of these templates."""
        ...

    def lock(self, notification_ids: Collection[int]) -> dict[int, Status | None]:
        """Lock notifications; return those that are still there, and as what they were closed."""
        ...

    def sent_to(self, message_id: int) -> SentTo | None:
        """Return in what language, and to which address, a message went; None if it is gone."""
        ...

    def cancel(self, notification_id: int, now: datetime) -> list[Closed]:
        """Cancel the messages that no provider was called for. NotFoundError."""
        ...


class Deliveries(Protocol):
    """The dispatches: claimed, called, recorded, recovered."""

    def claim(
        self,
        lane: Lane,
        channels: Collection[Channel],
        limit: int,
        now: datetime,
        lease_until: datetime,
    ) -> list[Claimed]:
        """Claim the oldest dispatches of the lane that are due: `limit` at most, or a thousand messages."""
        ...

    def split(self, claimed: Claimed, most: int) -> int:
        """Put a claimed dispatch back as several of `most` messages each, in its place; return how many."""
        ...

    def at_gate(self, claimed: Collection[Claimed]) -> list[AtGate]:
        """Lock the dispatches that are still ours and not called yet; return their open messages anew."""
        ...

    def make_way(self, campaign_id: int, channel: Channel, moved: Mapping[int, bytes]) -> set[int]:
        """Return which messages must not go to the addresses they moved to, as the campaign has those."""
        ...

    def start_calls(
        self,
        calls: Mapping[int, str],
        now: datetime,
        lease_until: datetime,
        corrections: Sequence[Correction],
    ) -> None:
        """Mark locked dispatches as being called, each by its provider; correct rows of their messages."""
        ...

    def record(self, records: Sequence[Record], now: datetime) -> set[int]:
        """Write what became of dispatches, where this worker has a say; return those that were changed."""
        ...

    def hopeless(self, now: datetime) -> list[Hopeless]:
        """Return the messages of notifications that `recover` will give up; nothing is locked yet."""
        ...

    def recover(self, now: datetime) -> Recovered:
        """Put lapsed claims back in the queue, or give them up; end lapsed calls as `unknown`."""
        ...

    def lanes_due(self, now: datetime) -> list[Lane]:
        """Return the lanes in which something waits that is due."""
        ...

    def beat(self, name: str, now: datetime) -> None:
        """Note that a periodic task ran."""
        ...


class SmsBudget(Protocol):
    """How many SMS may leave on a day (UTC)."""

    def spend(self, day: date, wanted: int, limit: int) -> int:
        """Take up to `wanted` of what is left of the day's `limit`; return how many were granted."""
        ...

    def forget_before(self, day: date) -> int:
        """Delete what was counted on days before; return how many days."""
        ...


class ApiKeys(Protocol):
    """API keys, found by the SHA-256 of the key."""

    def add(self, digest: bytes, row: KeyRow) -> None:
        """Store a key; the row's id is given by the database."""
        ...

    def by_digest(self, digest: bytes) -> KeyRow | None:
        """Find a key."""
        ...

    def all(self) -> list[KeyRow]:
        """Return all keys, oldest first."""
        ...

    def revoke(self, key_id: int, now: datetime) -> bool:
        """Revoke; False if there is none to revoke."""
        ...

    def note_use(self, key_id: int, now: datetime) -> None:
        """Remember when it was last used."""
        ...


class Transaction(Protocol):
    """One transaction, and what can be done in it."""

    @property
    def recipients(self) -> Recipients: ...  # noqa: D102 - see the Protocols above

    @property
    def imports(self) -> Imports: ...  # noqa: D102

    @property
    def consents(self) -> Consents: ...  # noqa: D102

    @property
    def notifications(self) -> Notifications: ...  # noqa: D102

    @property
    def deliveries(self) -> Deliveries: ...  # noqa: D102

    @property
    def sms_budget(self) -> SmsBudget: ...  # noqa: D102

    @property
    def api_keys(self) -> ApiKeys: ...  # noqa: D102

    @property
    def campaigns(self) -> Campaigns: ...  # noqa: D102

    @property
    def audiences(self) -> Audiences: ...  # noqa: D102

    @property
    def events(self) -> Events: ...  # noqa: D102

    @property
    def doubts(self) -> Doubts: ...  # noqa: D102


class Store(Protocol):
    """The database."""

    def write(self) -> AbstractContextManager[Transaction]:
        """Open a transaction that commits at the end, or rolls back on an error.

        UnavailableError when the database is out of reach.
        """
        ...

    def opt_out_at_once(self, claim: OptOutClaim, entry: LedgerEntry, undo: UndoDraft) -> OptedOut | None:
        """Do all of an ordinary opt-out, locks included, on the word of a token, in one transaction.

        The address is that of the token's message, else the person's; the language of the entry, if it has
        none, is the message's. None, and nothing is done, where it takes more than one look: the person is
        gone, has left before, or someone changes the same at this moment; or the database cannot.
        """
        ...

    def read(self) -> AbstractContextManager[Transaction]:
        """Open a transaction that only reads."""
        ...
