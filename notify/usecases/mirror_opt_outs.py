"""Keep a provider's own list of opt-outs like ours: follows the ledger, and tells what differs."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from notify.domain.catalogue import Catalogue, Channel, Purpose
from notify.domain.consent import comes
from notify.domain.delivery import StoredRecipient
from notify.domain.ledger import SealedEntry
from notify.domain.sms_mirroring import MOST_TOLD, TWILIO_CONSENT, Mirrored, Told, source_of
from notify.domain.sms_senders import SmsSenders
from notify.domain.times import rfc3339
from notify.ports import OptOutMirror
from notify.store import Store, Transaction

_Key = tuple[bytes, str]
"""A number, by its keyed hash, and a sender."""

Reached = Mapping[_Key, bool]
"""Whether anything of what the sender sends may reach the number."""


class MirrorOptOuts:
    """A follower of the ledger: has an errand done for each number and sender whose state has changed.

    A number is opted out of a sender when no topic that the sender serves comes to anybody who has the
    number. What the provider was never told is not opted out there. Only senders that it keeps a list for,
    those that can be answered, count.
    """

    def __init__(self, catalogue: Catalogue, senders: SmsSenders) -> None:
        self._catalogue = catalogue
        self._senders = senders

    def __call__(self, tx: Transaction, entries: Sequence[SealedEntry], now: datetime) -> None:
        """Look at the numbers and senders that entries are about, as they stand now."""
        by_sms = [one for one in entries if one.channel in {Channel.SMS, None}]
        causes = self._causes(tx.recipients.by_numbers({one.recipient_id for one in by_sms}), by_sms)
        if not causes:
            return
        hashes = {address_hash for address_hash, _ in causes}
        holders = tx.recipients.having(Channel.SMS, hashes)
        phones = {one.hashes[Channel.SMS]: one.profile.phone for one in holders}
        reached, known = self._reached(tx, holders), tx.sms_mirrors.known(hashes)
        told = [
            Told(
                reference=secrets.token_hex(16),
                phone=phone,
                hash=key[0].hex(),
                sender=key[1],
                opted_out=not reached[key],
                source=source_of(entry.way),
                at=rfc3339(entry.at),
            )
            for key in sorted(causes.keys() & reached.keys())
            if known.get(key, False) is reached[key]
            and (entry := _newest(causes[key], subscribed=reached[key]))
            and (phone := phones[key[0]])
        ]
        tx.sms_mirrors.note(
            [Mirrored(bytes.fromhex(one.hash), one.sender, one.opted_out, now) for one in told]
        )
        for start in range(0, len(told), MOST_TOLD):
            items = [one.to_json() for one in told[start : start + MOST_TOLD]]
            tx.errands.add(TWILIO_CONSENT, {"items": items}, now)

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
            sender = self._senders.of(person.profile.phone_country, self._purpose(entry))
            found.setdefault((address_hash, sender.sender), []).append(entry)
        return found

    def _purpose(self, entry: SealedEntry) -> Purpose:
        """Return the purpose of what an entry changed; an acceptance of the policy opens marketing."""
        topic = self._catalogue.numbered(entry.topic) if entry.topic else None
        return topic.purpose if topic else Purpose.MARKETING

    def _reached(self, tx: Transaction, holders: Sequence[StoredRecipient]) -> Reached:
        keys = [(person, topic) for person in holders for topic in self._catalogue]
        standings = tx.consents.standings([(person, topic.number, Channel.SMS) for person, topic in keys])
        found: dict[_Key, bool] = {}
        for (person, topic), standing in zip(keys, standings, strict=True):
            sender = self._senders.of(person.profile.phone_country, topic.purpose)
            if sender.two_way:
                key = (person.hashes[Channel.SMS], sender.sender)
                found[key] = found.get(key, False) or comes(topic, standing)
        return found


def _newest(entries: Sequence[SealedEntry], *, subscribed: bool) -> SealedEntry | None:
    """Return the newest that says the same as what came of them all."""
    return next((one for one in reversed(entries) if one.subscribed is subscribed), None)


class TellOptOuts:
    """Does the errands that `MirrorOptOuts` gives."""

    def __init__(self, store: Store, mirror: OptOutMirror) -> None:
        self._store = store
        self._mirror = mirror

    def __call__(self, payload: Mapping[str, Any]) -> None:
        """Tell what still holds: an errand that was late must not undo a newer choice. ErrandError."""
        told = [Told.from_json(one) for one in payload["items"]]
        with self._store.read() as tx:
            known = tx.sms_mirrors.known({bytes.fromhex(one.hash) for one in told})
        holds = [one for one in told if known.get((bytes.fromhex(one.hash), one.sender)) is one.opted_out]
        if holds:
            self._mirror.tell(holds)
