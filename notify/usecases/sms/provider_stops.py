"""A STOP that only the provider heard: its refusals tell of it (Twilio's error 21610)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from notify.domain.catalogue import Catalogue, Channel, Purpose
from notify.domain.delivery import StoredRecipient
from notify.domain.ledger import PROVIDER, STOP
from notify.domain.requests import Proof
from notify.domain.sending import Senders
from notify.domain.sms_mirroring import OTHERS, Mirrored
from notify.store import Transaction
from notify.usecases.preferences.recording_choices import Occasion
from notify.usecases.sms.mirror import ask_to_tell, to_tell
from notify.usecases.sms.stops import SmsStops

BELIEVED_FOR: Final = timedelta(days=1)
"""How long a person who came back is believed over a refusal: longer than Twilio queues a message.

Whoever has stopped again meanwhile gets nothing all the same, since Twilio goes on refusing.
"""

Holders = Mapping[bytes, Sequence[StoredRecipient]]
"""Who has a number, by its hash."""


@dataclass(frozen=True, slots=True)
class StoppedNumber:
    """A number whose owner has sent STOP to the sender of a message, as the answer to that message says."""

    address_hash: bytes
    topic: int
    message_id: int
    locale: str


class ProviderStops:
    """Turns such refusals into the suppression and the entries of a STOP."""

    def __init__(
        self, stops: SmsStops, senders: Senders, catalogue: Catalogue, *, mirrors: bool = False
    ) -> None:
        """`mirrors`: the provider is told of opt-outs that it did not hear itself."""
        self._stops = stops
        self._senders = senders
        self._catalogue = catalogue
        self._mirrors = mirrors

    def holders(self, tx: Transaction, hashes: Collection[bytes]) -> Holders:
        """Return who has the numbers, for their gates to be locked out along with others."""
        return {value: tx.recipients.having(Channel.SMS, [value]) for value in sorted(hashes)}

    def record(
        self, tx: Transaction, stopped: Sequence[StoppedNumber], holders: Holders, now: datetime
    ) -> None:
        """Bar the numbers; the caller holds the gates off.

        A block that the provider was known to have is no new STOP, nor is a refusal soon after the person
        came back: it may not have heard of that yet, or tell late of a message from before. It is to hear of
        it.
        """
        known = tx.sms_mirrors.known(holders.keys())
        for one in sorted(stopped, key=lambda one: (one.address_hash, one.message_id)):
            people = holders[one.address_hash]
            phone = people[0].profile.phone if people else None
            country = people[0].profile.phone_country if people else None
            topic = self._catalogue.numbered(one.topic)
            purpose = topic.purpose if topic else Purpose.MARKETING
            sender = self._senders.sms.of(country, purpose).sender
            key = (one.address_hash, sender)
            if known.get(key) or self._came_back(tx, people, now):
                if self._mirrors:
                    tx.sms_mirrors.note([Mirrored(*key, opted_out=True, at=now)])
                    ask_to_tell(tx, [to_tell(key, OTHERS, now)], now)
                continue
            scope = self._senders.sms.scope(sender)
            occasion = Occasion(now, STOP, Proof(source=PROVIDER), one.locale, one.message_id)
            self._stops.stop(tx, one.address_hash, people, scope, occasion, phone=phone)
            tx.sms_mirrors.note([Mirrored(*key, opted_out=True, at=now)])

    def _came_back(self, tx: Transaction, people: Sequence[StoredRecipient], now: datetime) -> bool:
        numbers = [one.id for one in people]
        return bool(tx.consents.came_back(numbers, Channel.SMS, now - BELIEVED_FOR))
