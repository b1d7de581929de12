"""The link that confirms a request: what it would do, and doing it, once."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from notify.domain.addresses import masked
from notify.domain.bars import paused_until
from notify.domain.catalogue import Catalogue, Channel, Topic
from notify.domain.confirmations import Confirmation, Kind
from notify.domain.delivery import StoredRecipient
from notify.domain.digests import digest_of
from notify.domain.errors import InvalidTokenError, NotFoundError
from notify.domain.hours import zone_of
from notify.domain.ledger import DOUBLE_OPT_IN, Change
from notify.domain.packed_json import PackedJson
from notify.domain.requests import Proof
from notify.domain.sending import Senders
from notify.domain.token_claims import CentreClaim
from notify.ports import Clock, Tokens
from notify.store import Store, Transaction
from notify.store.lookups import Lookups
from notify.usecases.preferences.recording_choices import Occasion, addresses_on, differs, record_changes
from notify.usecases.rights.erase import EraseRecipient


@dataclass(frozen=True, slots=True)
class ConfirmView:
    """What a link would do. `address` is the masked one that it was sent to, `locale` its language.

    `paused_until`: nothing of `topics` comes before; `zone` is where the person lives.
    """

    kind: Kind
    channel: Channel
    address: str
    locale: str
    topics: Sequence[Topic] = ()
    paused_until: datetime | None = None
    zone: ZoneInfo = field(default_factory=lambda: zone_of(None, None))


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What was done: `exported` is all that is held on the person, `centre_url` the way into the centre."""

    view: ConfirmView
    exported: PackedJson | None = None
    centre_url: str | None = None


class Confirm:
    """Does what a person asked for, on the word of a link that only their own address was sent.

    InvalidTokenError in all calls: unknown, used, too late, or the person or that address is gone.
    """

    def __init__(
        self,
        *,
        store: Store,
        catalogue: Catalogue,
        tokens: Tokens,
        senders: Senders,
        lookups: Lookups,
        erase: EraseRecipient,
        clock: Clock,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._tokens = tokens
        self._senders = senders
        self._lookups = lookups
        self._erase = erase
        self._clock = clock

    def describe(self, token: str) -> ConfirmView:
        """Say what the link would do; changes nothing."""
        with self._store.read() as tx:
            return self._view(tx, *_found(tx, digest_of(token), self._clock()))

    def __call__(self, token: str, proof: Proof, locale: str) -> Confirmed:
        """Do it, once. `proof` is of this visit, its wording what the page said in the language `locale`."""
        now = self._clock()
        with self._store.read() as tx:
            one, recipient = _found(tx, digest_of(token), now)
            view = self._view(tx, one, recipient)
        if one.wanted:
            return Confirmed(self._subscribe(one, one.wanted.proof, proof, locale, now))
        if one.kind is Kind.ERASE:
            self._erase_person(recipient)
            return Confirmed(view)
        wants = one.kind is Kind.EXPORT
        exported = self._lookups.export(recipient.external_id, indent=2) if wants else None
        with self._store.write() as tx:
            _take(tx, one, now)
        if exported is not None:
            return Confirmed(view, exported=exported)
        centre = self._tokens.centre(CentreClaim(recipient.id, one.message_id))
        return Confirmed(view, centre_url=self._senders.centre_url(centre))

    def _subscribe(
        self, asked: Confirmation, said: Proof, proof: Proof, locale: str, now: datetime
    ) -> ConfirmView:
        """Subscribe to what is still wanted once no opt-out can come in between."""
        with self._store.write() as tx:
            tx.consents.lock_out_gates([asked.recipient_id], [asked.address_hash])
            one, recipient = _found(tx, asked.digest, now)
            _take(tx, one, now)
            both = [part for part in (said.wording, proof.wording) if part]
            whole = replace(
                proof,
                source=said.source,
                wording=" / ".join(both),
                obtained_at=said.obtained_at or one.created_at,
                double_opt_in_at=now,
            )
            occasion = Occasion(now, DOUBLE_OPT_IN, whole, locale, one.message_id)
            changes = self._changes(tx, recipient, one.channel, self._topics(one))
            record_changes(tx, recipient.id, changes, addresses_on(recipient, one.channel), occasion)
            return self._view(tx, one, recipient)

    def _changes(
        self, tx: Transaction, recipient: StoredRecipient, channel: Channel, topics: Sequence[Topic]
    ) -> list[Change]:
        """Return what the person has not chosen yet."""
        standings = tx.consents.standings([(recipient, topic.number, channel) for topic in topics])
        return [
            Change(topic.number, channel, True, known.chosen)
            for topic, known in zip(topics, standings, strict=True)
            if differs(topic, known, subscribed=True, proven=True)
        ]

    def _erase_person(self, recipient: StoredRecipient) -> None:
        """Erase, and with everything else what waits to be confirmed."""
        try:
            self._erase(recipient.external_id)
        except NotFoundError:
            raise InvalidTokenError("erased a moment ago") from None

    def _view(self, tx: Transaction, one: Confirmation, recipient: StoredRecipient) -> ConfirmView:
        profile, channel = recipient.profile, one.channel
        return ConfirmView(
            one.kind,
            channel,
            masked(channel, profile.address(channel) or ""),
            one.locale,
            self._topics(one),
            paused_until(tx.suppressions.of(channel, addresses_on(recipient, channel))),
            zone_of(profile.timezone, profile.effective_country),
        )

    def _topics(self, one: Confirmation) -> list[Topic]:
        """Return what is wanted; a topic that is no longer declared is left out."""
        numbers = one.wanted.topics if one.wanted else ()
        return [topic for number in numbers if (topic := self._catalogue.numbered(number))]


def _found(tx: Transaction, digest: bytes, now: datetime) -> tuple[Confirmation, StoredRecipient]:
    one = tx.confirmations.find(digest, now)
    if one is None:
        raise InvalidTokenError("unknown, used, too late, or overtaken by an opt-out")
    return one, _recipient(tx, one)


def _recipient(tx: Transaction, one: Confirmation) -> StoredRecipient:
    recipient = tx.recipients.by_numbers([one.recipient_id]).get(one.recipient_id)
    if recipient is None or recipient.hashes.get(one.channel) != one.address_hash:
        raise InvalidTokenError("the person is gone, or has another address now")
    return recipient


def _take(tx: Transaction, one: Confirmation, now: datetime) -> None:
    if not tx.confirmations.take(one.digest, now):
        raise InvalidTokenError("used a moment ago")
