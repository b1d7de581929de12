"""The opt-out link: what it would stop, stopping it, and the undo that goes with the answer."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from notify.domain.addresses import masked
from notify.domain.catalogue import Catalogue, Channel, Topic
from notify.domain.confirmations import pending_in
from notify.domain.consent import subscription
from notify.domain.delivery import StoredRecipient
from notify.domain.ledger import LINK, ONE_CLICK, Change, LedgerEntry, Left
from notify.domain.recipients import Profile
from notify.domain.requests import Proof
from notify.domain.token_claims import OptOutClaim
from notify.ports import Clock, Tokens
from notify.store import Store, Transaction
from notify.usecases.preferences.holding import held
from notify.usecases.preferences.recording_choices import Occasion, addresses_on, record_changes
from notify.usecases.preferences.undo import draft_undo, offer_again


@dataclass(frozen=True, slots=True)
class OptOutView:
    """What an opt-out link is about.

    `address` is masked ("a•••@example.com"), None when the recipient is gone. `locale` is the language of the
    message that carried the link, None if that is gone. `subscribed`: whether messages still come. `preview`:
    the link is that of a test or preview, and changes nothing.
    `topic` is None if it is no longer declared; stopping it works all the same.
    """

    topic: Topic | None
    channel: Channel
    address: str | None
    locale: str | None
    subscribed: bool
    preview: bool = False


@dataclass(frozen=True, slots=True)
class OptOutDone:
    """An opt-out that took place. `undo` is a single-use token, good for an hour after the change.

    It is None when there is nothing to take back: no change within the hour, or the recipient is gone.
    """

    view: OptOutView
    undo: str | None


@dataclass(frozen=True, slots=True)
class _Bearer:
    """Whom a token is about: the recipient (a blank one when gone), and the addresses it was sent to."""

    recipient: StoredRecipient
    known: bool
    hashes: Sequence[bytes]
    locale: str | None


class Unsubscribe:
    """Opts out by the signed token alone; works when recipient, template or campaign are gone."""

    def __init__(self, store: Store, tokens: Tokens, catalogue: Catalogue, clock: Clock) -> None:
        self._store = store
        self._tokens = tokens
        self._catalogue = catalogue
        self._clock = clock

    def describe(self, token: str) -> OptOutView:
        """Say what the link would stop; changes nothing. InvalidTokenError."""
        claim = self._tokens.read_opt_out(token)
        with self._store.read() as tx:
            bearer = _bearer(tx, claim)
            return self._view(claim, bearer, subscribed=self._still_comes(tx, claim, bearer))

    def __call__(
        self, token: str, proof: Proof, locale: str | None, *, whole_channel: bool = False
    ) -> OptOutDone:
        """Stop the topic on the channel, or with `whole_channel` every topic on it. Idempotent.

        `locale` is the language the wording was shown in, None if none of ours was. InvalidTokenError.
        """
        return self._stop(self._tokens.read_opt_out(token), proof, locale, whole_channel=whole_channel)

    def by_mail(self, mailbox_token: str, proof: Proof) -> OptOutDone:
        """Stop on the word of a mail sent to the `mailto:` address. InvalidTokenError."""
        return self._stop(self._tokens.read_mailbox(mailbox_token), proof, None, whole_channel=False)

    def _stop(
        self, claim: OptOutClaim, proof: Proof, locale: str | None, *, whole_channel: bool
    ) -> OptOutDone:
        now = self._clock()
        if claim.channel is Channel.SMS and proof.source == ONE_CLICK:
            proof = replace(proof, source=LINK)  # an SMS has no mail program's button
        topics = {claim.topic}
        if whole_channel:
            topics |= {topic.number for topic in self._catalogue}
        if claim.preview:  # the link of a test or preview: answers, and changes nothing
            blank = _Bearer(_blank(claim), known=False, hashes=(), locale=None)
            return OptOutDone(self._view(claim, blank, subscribed=False), None)
        if not whole_channel and (done := self._at_once(claim, proof, locale, now)):
            return done
        with self._store.write() as tx:
            bearer = held(tx, lambda: _bearer(tx, claim), lambda one: ([claim.recipient], one.hashes))
            changes = _changes(tx, claim.channel, bearer, topics, now)
            again = sorted(topics.difference(change.topic for change in changes))
            left = [Left(claim.recipient, topic, claim.channel, bearer.hashes) for topic in again]
            voided = tx.consents.void_undos(left)  # of what changes they are overtaken by that
            undo = None
            if not changes and bearer.known:
                undo = offer_again(tx, bearer.recipient, left, voided, now, broad=whole_channel)
            if changes:
                occasion = Occasion(now, proof.source, proof, locale or bearer.locale, claim.message)
                undo, draft = draft_undo(now, broad=whole_channel) if bearer.known else (None, None)
                record_changes(tx, claim.recipient, changes, bearer.hashes, occasion, undo=draft)
            return OptOutDone(self._view(claim, bearer, subscribed=False), undo)

    def _at_once(
        self, claim: OptOutClaim, proof: Proof, locale: str | None, now: datetime
    ) -> OptOutDone | None:
        """Do the ordinary opt-out in one step: they come in waves. None where it takes more."""
        undo, draft = draft_undo(now, broad=False)
        entry = LedgerEntry(
            recipient_id=claim.recipient,
            at=now,
            subscribed=False,
            way=proof.source,
            topic=claim.topic,
            channel=claim.channel,
            locale=locale,
            message_id=claim.message,
            proof=proof,
        )
        done = self._store.opt_out_at_once(claim, entry, draft)
        if done is None:
            return None
        return OptOutDone(self._shown(claim, done.address, done.locale, subscribed=False), undo)

    def _view(self, claim: OptOutClaim, bearer: _Bearer, *, subscribed: bool) -> OptOutView:
        address = bearer.recipient.profile.address(claim.channel)
        return self._shown(claim, address, bearer.locale, subscribed=subscribed)

    def _shown(
        self, claim: OptOutClaim, address: str | None, locale: str | None, *, subscribed: bool
    ) -> OptOutView:
        return OptOutView(
            topic=self._catalogue.numbered(claim.topic),
            channel=claim.channel,
            address=masked(claim.channel, address),
            locale=locale,
            subscribed=subscribed,
            preview=claim.preview,
        )

    def _still_comes(self, tx: Transaction, claim: OptOutClaim, bearer: _Bearer) -> bool:
        topic = self._catalogue.numbered(claim.topic)
        if topic is None or not bearer.known:
            return False
        (standing,) = tx.consents.standings([(bearer.recipient, claim.topic, claim.channel)])
        return subscription(topic, standing) is not None


def _bearer(tx: Transaction, claim: OptOutClaim) -> _Bearer:
    """Find the person and the addresses behind a token, gone or not."""
    recipient = tx.recipients.by_numbers([claim.recipient]).get(claim.recipient)
    sent = tx.notifications.sent_to(claim.message)
    hashes = [sent.address_hash] if sent and sent.address_hash else []
    if recipient is None:
        erased = tx.recipients.erased_hashes(claim.recipient, claim.channel)
        return _Bearer(_blank(claim), known=False, hashes=erased, locale=None)
    locale = sent.locale if sent else recipient.profile.locale
    return _Bearer(recipient, True, hashes or addresses_on(recipient, claim.channel), locale)


def _blank(claim: OptOutClaim) -> StoredRecipient:
    return StoredRecipient(claim.recipient, "", Profile(), {})


def _changes(
    tx: Transaction, channel: Channel, bearer: _Bearer, topics: Collection[int], now: datetime
) -> list[Change]:
    """Return what is not stopped yet, for the person or for one of the addresses, or may yet be opened."""
    hashes = set(bearer.hashes)
    pending = pending_in(tx.confirmations.waiting([bearer.recipient.id], now, at=hashes))
    known = tx.consents.choices(bearer.recipient.id, channel, hashes)
    changes = []
    for topic in sorted(topics):
        subscribed, _ = known.preferences.get(topic, (None, 0))
        all_left = known.left.get(topic, set()) == hashes
        if subscribed is not False or not all_left or (topic, channel) in pending:
            before = False if hashes and all_left else subscribed
            changes.append(Change(topic, channel, subscribed=False, before=before))
    return changes
