"""Undo: a single-use token that takes back one change of preferences, and only that."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from notify.domain.catalogue import Catalogue, Channel, Topic
from notify.domain.consent import Standing, comes, subscription
from notify.domain.delivery import StoredRecipient
from notify.domain.digests import digest_of
from notify.domain.errors import InvalidTokenError
from notify.domain.ledger import UNDO, Change, LedgerEntry, Left, Undo, UndoDraft
from notify.domain.requests import Proof
from notify.ports import Clock
from notify.store import Store, Transaction
from notify.usecases.preferences.holding import held_person
from notify.usecases.preferences.recording_choices import addresses_on

UNDO_FOR: Final = timedelta(hours=1)


def draft_undo(now: datetime, *, broad: bool) -> tuple[str, UndoDraft]:
    """Make a token, and what of it is kept with the change that it takes back within the hour."""
    token = secrets.token_urlsafe(18)
    return token, UndoDraft(digest_of(token), now + UNDO_FOR, broad)


def keep_undo(
    tx: Transaction,
    recipient_id: int,
    consent_ids: Sequence[int],
    changes: Sequence[Change],
    now: datetime,
    *,
    broad: bool,
) -> str:
    """Make the token that takes `changes` back within the hour; only its hash is stored."""
    return _keep(tx, Undo(recipient_id, consent_ids, changes, now + UNDO_FOR, broad))


def leaving(recipient: StoredRecipient, keys: Iterable[tuple[int, Channel]]) -> list[Left]:
    """Return what the person leaves, by topic number and channel, together with their address there."""
    return [Left(recipient.id, topic, by, addresses_on(recipient, by)) for topic, by in keys]


def offer_again(
    tx: Transaction,
    recipient: StoredRecipient,
    left: Sequence[Left],
    voided: Sequence[Undo],
    now: datetime,
    *,
    broad: bool,
) -> str | None:
    """Return a new token for the undo of a stop that is being repeated, if it is still good.

    `voided` are the older undos of what is `left` once more: of a page that is shown twice, the newest has
    the undo that works.
    """
    keys = [(recipient, one.topic, one.channel) for one in left]
    entries = {known.preference_consent_id for known in tx.consents.standings(keys)}
    good = [
        one
        for one in voided
        if one.recipient_id == recipient.id
        and one.broad is broad
        and one.expires_at > now
        and not entries.isdisjoint(one.consent_ids)
    ]
    return _keep(tx, max(good, key=lambda one: max(one.consent_ids))) if good else None


def _keep(tx: Transaction, undo: Undo) -> str:
    token = secrets.token_urlsafe(18)
    tx.consents.keep_undo(digest_of(token), undo)
    return token


class UndoOptOut:
    """Restores what one opt-out changed, and only that."""

    def __init__(self, store: Store, catalogue: Catalogue, clock: Clock) -> None:
        self._store = store
        self._catalogue = catalogue
        self._clock = clock

    def __call__(self, undo: str, proof: Proof, locale: str) -> list[tuple[Topic, Channel]]:
        """Restore, once, within the hour; return what messages come again.

        InvalidTokenError when unknown, used or too late.
        """
        now = self._clock()
        digest = digest_of(undo)
        with self._store.write() as tx:
            recipient = held_person(tx, lambda: _owner(tx, digest))
            taken = tx.consents.take_undo(digest, now)
            changes = self._as_they_were_left(tx, recipient, taken) if taken else {}
            if not changes:
                raise InvalidTokenError("used, too late, or overtaken by a later choice")
            tx.consents.readmit_by_consents(list(changes))
            self._restore(tx, recipient, changes, now)
            known = self._known(tx, recipient, list(changes.values()))
            numbers = tx.consents.append(
                [
                    LedgerEntry(
                        recipient_id=recipient.id,
                        at=now,
                        subscribed=_is_subscribed(change, known),
                        way=UNDO,
                        topic=change.topic,
                        channel=change.channel,
                        locale=locale,
                        proof=proof,
                    )
                    for change in changes.values()
                ]
            )
            self._restore(tx, recipient, dict(zip(numbers, changes.values(), strict=True)), now)
            return [(one[0], change.channel) for change, one in known.items() if comes(*one)]

    def _as_they_were_left(
        self, tx: Transaction, recipient: StoredRecipient, taken: Undo
    ) -> dict[int, Change]:
        """Return the changes, by ledger entry, whose preference nobody has touched since."""
        keys = [(recipient, one.topic, one.channel) for one in taken.changes]
        return {
            number: change
            for number, change, standing in zip(
                taken.consent_ids, taken.changes, tx.consents.standings(keys), strict=True
            )
            if standing.preference_consent_id == number
        }

    def _restore(
        self, tx: Transaction, recipient: StoredRecipient, changes: Mapping[int, Change], now: datetime
    ) -> None:
        """Put each preference back as it was, on the word of these ledger entries."""
        for number, change in changes.items():
            if change.before is None:
                tx.consents.clear_preference(recipient.id, change.topic, change.channel)
                continue
            back = Change(change.topic, change.channel, change.before, change.subscribed)
            tx.consents.set_preference(recipient.id, back, number, now)
            if not change.before:
                hashes = addresses_on(recipient, change.channel)
                tx.consents.opt_out_addresses(change.topic, change.channel, hashes, number, now)

    def _known(
        self, tx: Transaction, recipient: StoredRecipient, changes: Sequence[Change]
    ) -> dict[Change, tuple[Topic, Standing]]:
        """Return how the topics of `changes` stand now; without those that are no longer declared."""
        standings = tx.consents.standings([(recipient, one.topic, one.channel) for one in changes])
        return {
            change: (topic, standing)
            for change, standing in zip(changes, standings, strict=True)
            if (topic := self._catalogue.numbered(change.topic))
        }


def _is_subscribed(change: Change, known: Mapping[Change, tuple[Topic, Standing]]) -> bool:
    """Whether the person is subscribed again, by what they chose before or without a choice.

    Somebody else who has the address may have left since. That is on the ledger under their id, and may end
    under their id as well: then messages come again, and rest on this entry.
    """
    if change.before is not None:
        return change.before
    if change not in known:
        return False
    topic, standing = known[change]
    return subscription(topic, standing._replace(address_opted_out=False)) is not None


def _owner(tx: Transaction, digest: bytes) -> StoredRecipient:
    owner = tx.consents.undo_owner(digest)
    recipient = tx.recipients.by_numbers([owner]).get(owner) if owner else None
    if recipient is None:
        raise InvalidTokenError("unknown, used, or of someone who is gone")
    return recipient
