"""Keep a provider's own list of opt-outs like ours: follows the ledger, and tells what differs."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from notify.domain.catalogue import Catalogue, Channel, Purpose
from notify.domain.consent import comes
from notify.domain.delivery import StoredRecipient
from notify.domain.ledger import SealedEntry
from notify.domain.sms_mirroring import MOST_TOLD, TWILIO_CONSENT, Mirrored, Told, ToTell, source_of
from notify.domain.sms_senders import SmsSenders
from notify.domain.times import rfc3339
from notify.ports import Clock, OptOutMirror
from notify.store import Store, Transaction

_Key = tuple[bytes, str]
"""A number, by its keyed hash, and a sender."""


@dataclass(frozen=True, slots=True)
class _Stand:
    """How numbers and senders stand here, and at the provider.

    `reached`: whether anything of what the sender sends comes to anybody who has the number. What the
    provider was never told is not opted out there. Only senders that it keeps a list for are in it: those
    that can be answered.
    """

    phones: Mapping[bytes, str]
    reached: Mapping[_Key, bool]
    known: Mapping[_Key, bool]

    def differ(self, keys: Collection[_Key]) -> list[_Key]:
        """Return those of which the provider has another idea than we."""
        found = keys & self.reached.keys()
        return sorted(key for key in found if self.known.get(key, False) is self.reached[key])


@dataclass(frozen=True, slots=True)
class SmsStandings:
    """Reads how numbers and senders stand."""

    catalogue: Catalogue
    senders: SmsSenders

    def read(self, tx: Transaction, hashes: Collection[bytes]) -> _Stand:
        """Read it of these numbers, for all who have one of them."""
        holders = tx.recipients.having(Channel.SMS, hashes)
        phones = {one.hashes[Channel.SMS]: one.profile.phone or "" for one in holders}
        known = {key: one.opted_out for key, one in tx.sms_mirrors.known(hashes).items()}
        return _Stand(phones, self._reached(tx, holders), known)

    def _reached(self, tx: Transaction, holders: Sequence[StoredRecipient]) -> Mapping[_Key, bool]:
        keys = [(person, topic) for person in holders for topic in self.catalogue]
        standings = tx.consents.standings([(person, topic.number, Channel.SMS) for person, topic in keys])
        found: dict[_Key, bool] = {}
        for (person, topic), standing in zip(keys, standings, strict=True):
            sender = self.senders.of(person.profile.phone_country, topic.purpose)
            if sender.two_way:
                key = (person.hashes[Channel.SMS], sender.sender)
                found[key] = found.get(key, False) or comes(topic, standing)
        return found


class MirrorOptOuts:
    """A follower of the ledger: has an errand done for each number and sender whose state has changed."""

    def __init__(self, standings: SmsStandings) -> None:
        self._standings = standings

    def __call__(self, tx: Transaction, entries: Sequence[SealedEntry], now: datetime) -> None:
        """Look at the numbers and senders that entries are about, as they stand now."""
        by_sms = [one for one in entries if one.channel in {Channel.SMS, None}]
        causes = self._causes(tx.recipients.by_numbers({one.recipient_id for one in by_sms}), by_sms)
        if not causes:
            return
        stand = self._standings.read(tx, {address_hash for address_hash, _ in causes})
        ask_to_tell(
            tx,
            [
                to_tell(key, source_of(entry.way), entry.at)
                for key in stand.differ(causes.keys())
                if (entry := _newest(causes[key], subscribed=stand.reached[key]))
            ],
            now,
        )

    def _causes(
        self, people: Mapping[int, StoredRecipient], entries: Sequence[SealedEntry]
    ) -> dict[_Key, list[SealedEntry]]:
        """Return the numbers and senders that entries are about, each with its entries.

        Who never had news from a sender has not opted out of it when they leave another.
        """
        found: dict[_Key, list[SealedEntry]] = {}
        for entry in entries:
            person = people.get(entry.recipient_id)
            address_hash = person.hashes.get(Channel.SMS) if person else None
            if person is None or address_hash is None:
                continue
            sender = self._standings.senders.of(person.profile.phone_country, self._purpose(entry))
            found.setdefault((address_hash, sender.sender), []).append(entry)
        return found

    def _purpose(self, entry: SealedEntry) -> Purpose:
        """Return the purpose of what an entry changed; an acceptance of the policy opens marketing."""
        topic = self._standings.catalogue.numbered(entry.topic) if entry.topic else None
        return topic.purpose if topic else Purpose.MARKETING


class TellOptOuts:
    """Does the errands that `ask_to_tell` leaves: tells how things stand when it is done, if that is news."""

    def __init__(self, store: Store, mirror: OptOutMirror, standings: SmsStandings, clock: Clock) -> None:
        self._store = store
        self._mirror = mirror
        self._standings = standings
        self._clock = clock

    def __call__(self, payload: Mapping[str, Any]) -> None:
        """Tell, and note what the provider knows now. ErrandError."""
        asked = {one.key: one for one in map(ToTell.from_json, payload["items"])}
        hashes = {address_hash for address_hash, _ in asked}
        with self._store.read() as tx:
            stand = self._standings.read(tx, hashes)
        news = stand.differ(asked.keys())
        if not news:
            return
        told = {key: _told(asked[key], stand) for key in news}
        began = self._clock()  # from then on a refusal may be of a STOP that came after what is told
        self._mirror.tell(list(told.values()))
        now = self._clock()
        with self._store.write() as tx:
            tx.sms_mirrors.note([Mirrored(*key, one.opted_out, began) for key, one in told.items()])
            # Whoever changed their mind during the call was looked at with what was known before it.
            again = self._standings.read(tx, hashes).differ(told.keys())
            ask_to_tell(tx, [to_tell(key, asked[key].source, now) for key in again], now)


def to_tell(key: _Key, source: str, at: datetime) -> ToTell:
    """Return what to ask for, so that the provider learns how a number and a sender stand."""
    return ToTell(secrets.token_hex(16), key[0].hex(), key[1], source, rfc3339(at))


def ask_to_tell(tx: Transaction, asked: Sequence[ToTell], now: datetime) -> None:
    """Leave errands to tell the provider, as many to a call as it takes."""
    for start in range(0, len(asked), MOST_TOLD):
        items = [one.to_json() for one in asked[start : start + MOST_TOLD]]
        tx.errands.add(TWILIO_CONSENT, {"items": items}, now)


def _told(one: ToTell, stand: _Stand) -> Told:
    phone = stand.phones[one.key[0]]
    return Told(one.reference, phone, one.sender, not stand.reached[one.key], one.source, one.at)


def _newest(entries: Sequence[SealedEntry], *, subscribed: bool) -> SealedEntry | None:
    """Return the newest that says the same as what came of them all."""
    return next((one for one in reversed(entries) if one.subscribed is subscribed), None)
