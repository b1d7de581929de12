"""The preference centre: every topic × channel of one person, by their own token."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from notify.domain.addresses import masked
from notify.domain.catalogue import Catalogue, Channel, Purpose, Topic
from notify.domain.consent import Scope, comes, subscription
from notify.domain.delivery import StoredRecipient
from notify.domain.errors import InvalidTokenError
from notify.domain.ledger import Change
from notify.domain.requests import Choice, Proof
from notify.domain.suppressions import DISPUTED
from notify.domain.token_claims import CentreClaim
from notify.ports import Clock, Tokens
from notify.store import Store, Transaction
from notify.usecases.recording_choices import Occasion, addresses_on, differs, record_changes
from notify.usecases.undo import keep_undo, offer_again

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CentreRow:
    """One topic on one channel as it stands."""

    topic: Topic
    channel: Channel
    subscribed: bool


@dataclass(frozen=True, slots=True)
class CentreView:
    """What the centre shows. `addresses` are masked, and absent for a channel without one that may be used.

    `barred`: the channels whose address was disowned. `preview`: the link is that of a preview.
    """

    addresses: dict[Channel, str]
    locale: str | None
    rows: list[CentreRow]
    barred: frozenset[Channel] = frozenset()
    preview: bool = False


class PreferenceCentre:
    """Shows and changes all preferences of the person who holds the token."""

    def __init__(self, store: Store, tokens: Tokens, catalogue: Catalogue, clock: Clock) -> None:
        self._store = store
        self._tokens = tokens
        self._catalogue = catalogue
        self._clock = clock

    def describe(self, token: str) -> CentreView:
        """Show; changes nothing. InvalidTokenError, also when the recipient is gone."""
        claim = self._tokens.read_centre(token)
        if claim.preview:
            return self._sample()
        with self._store.read() as tx:
            return self._view(tx, _bearer(tx, claim))

    def change(
        self, token: str, choices: Sequence[Choice], proof: Proof, locale: str
    ) -> tuple[CentreView, str | None]:
        """Apply the choices that differ; return how it stands now and an undo token if anything changed."""
        return self._apply(token, choices, proof, locale, firmly=False)

    def _apply(
        self, token: str, choices: Sequence[Choice], proof: Proof, locale: str, *, firmly: bool
    ) -> tuple[CentreView, str | None]:
        """Apply choices; `firmly` also writes down opt-outs of what was never subscribed."""
        claim = self._tokens.read_centre(token)
        if claim.preview:
            return self._sample(), None
        now = self._clock()
        with self._store.write() as tx:
            recipient = _bearer(tx, claim)
            tx.consents.lock_out_gates([recipient.id], recipient.hashes.values())
            changes = self._changes(tx, recipient, choices, firmly=firmly)
            if firmly:
                # An older undo must not weaken this; that of the same stop, pressed twice, stays.
                tx.consents.drop_undos(recipient.id, narrow_only=not changes)
            numbers: list[int] = []
            for change in changes:
                occasion = Occasion(now, proof.source, proof, locale, claim.message or None)
                hashes = addresses_on(recipient, change.channel)
                numbers += record_changes(tx, recipient.id, [change], hashes, occasion)
            undo = None
            if changes:
                undo = keep_undo(tx, recipient.id, numbers, changes, now, broad=firmly)
            elif firmly:  # the same button, pressed twice
                again = choices[0]
                number = self._catalogue[again.topic].number
                undo = offer_again(tx, recipient, number, again.channel, now, broad=True)
            return self._view(tx, recipient), undo

    def stop_news(self, token: str, proof: Proof, locale: str) -> tuple[CentreView, str | None]:
        """Stop all marketing on every channel."""
        marketing = [topic for topic in self._catalogue if topic.purpose is Purpose.MARKETING]
        return self._apply(token, _none_of(marketing), proof, locale, firmly=True)

    def stop_everything(self, token: str, proof: Proof, locale: str) -> tuple[CentreView, str | None]:
        """Stop everything, order updates included."""
        return self._apply(token, _none_of(list(self._catalogue)), proof, locale, firmly=True)

    def disown(self, token: str, channel: Channel, proof: Proof, locale: str) -> CentreView:
        """“This is not me”: bar the address of that channel from everything."""
        claim = self._tokens.read_centre(token)
        if claim.preview:
            return self._sample()
        now = self._clock()
        with self._store.write() as tx:
            recipient = _bearer(tx, claim)
            hashes = addresses_on(recipient, channel)
            tx.consents.lock_out_gates([recipient.id], hashes)
            address = recipient.profile.address(channel)
            for value in hashes:
                shown = masked(channel, address) if address else None
                tx.suppressions.bar(channel, value, Scope.ALL, reason=DISPUTED, masked=shown, now=now)
            tx.consents.drop_undos(recipient.id, narrow_only=False)
            choices = [Choice(topic.name, channel, subscribed=False) for topic in self._catalogue]
            occasion = Occasion(now, proof.source, proof, locale, claim.message or None)
            record_changes(
                tx, recipient.id, self._changes(tx, recipient, choices, firmly=True), hashes, occasion
            )
            _log.warning(
                "address disputed", extra={"recipient_id": recipient.external_id, "channel": channel}
            )
            return self._view(tx, recipient)

    def _changes(
        self, tx: Transaction, recipient: StoredRecipient, choices: Sequence[Choice], *, firmly: bool
    ) -> list[Change]:
        """Return the choices that differ from how things stand."""
        topics = [self._catalogue[choice.topic] for choice in choices]
        keys = [
            (recipient, topic.number, choice.channel) for topic, choice in zip(topics, choices, strict=True)
        ]
        changes = []
        for topic, choice, standing in zip(topics, choices, tx.consents.standings(keys), strict=True):
            wanted = choice.subscribed
            differs_from_shown = (subscription(topic, standing) is not None) != wanted
            if differs_from_shown or (firmly and differs(topic, standing, subscribed=wanted)):
                before = False if standing.address_opted_out else standing.subscribed
                changes.append(Change(topic.number, choice.channel, choice.subscribed, before))
        return changes

    def _view(self, tx: Transaction, recipient: StoredRecipient) -> CentreView:
        keys = [(topic, channel) for topic in self._catalogue for channel in Channel]
        standings = tx.consents.standings([(recipient, topic.number, by) for topic, by in keys])
        rows = [
            CentreRow(topic, channel, comes(topic, standing))
            for (topic, channel), standing in zip(keys, standings, strict=True)
        ]
        barred = {
            channel
            for (_, channel), standing in zip(keys, standings, strict=True)
            if standing.suppression is Scope.ALL
        }
        addresses = {
            channel: masked(channel, address)
            for channel in Channel
            if channel not in barred and (address := recipient.profile.address(channel))
        }
        return CentreView(addresses, recipient.profile.locale, rows, frozenset(barred))

    def _sample(self) -> CentreView:
        """Return what the link of a preview shows."""
        rows = [
            CentreRow(topic, channel, topic.purpose is Purpose.TRANSACTIONAL)
            for topic in self._catalogue
            for channel in Channel
        ]
        return CentreView({}, None, rows, preview=True)


def _bearer(tx: Transaction, claim: CentreClaim) -> StoredRecipient:
    recipient = tx.recipients.by_numbers([claim.recipient]).get(claim.recipient)
    if recipient is None:
        raise InvalidTokenError("the recipient is gone")
    return recipient


def _none_of(topics: Sequence[Topic]) -> list[Choice]:
    return [Choice(topic.name, channel, subscribed=False) for topic in topics for channel in Channel]
