"""A STOP that only the provider heard: its refusals tell of it (Twilio's error 21610)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from notify.domain.catalogue import Catalogue, Channel, Purpose
from notify.domain.delivery import StoredRecipient
from notify.domain.ledger import PROVIDER, STOP
from notify.domain.requests import Proof
from notify.domain.sending import Senders
from notify.domain.sms_mirroring import Mirrored
from notify.store import Transaction
from notify.usecases.preferences.recording_choices import Occasion
from notify.usecases.sms.stops import SmsStops

Holders = Mapping[bytes, Sequence[StoredRecipient]]
"""Who has a number, by its hash."""


@dataclass(frozen=True, slots=True)
class StoppedNumber:
    """A number whose owner has sent STOP to the sender of a message, as the answer to that message says.

    `called_at`: when the message was handed over, or a little later; None where nobody knows.
    """

    address_hash: bytes
    topic: int
    message_id: int
    locale: str
    called_at: datetime | None = None


class ProviderStops:
    """Turns such refusals into the suppression and the entries of a STOP."""

    def __init__(self, stops: SmsStops, senders: Senders, catalogue: Catalogue) -> None:
        self._stops = stops
        self._senders = senders
        self._catalogue = catalogue

    def holders(self, tx: Transaction, hashes: Collection[bytes]) -> Holders:
        """Return who has the numbers, for their gates to be locked out along with others."""
        return {value: tx.recipients.having(Channel.SMS, [value]) for value in sorted(hashes)}

    def record(
        self, tx: Transaction, stopped: Sequence[StoppedNumber], holders: Holders, now: datetime
    ) -> None:
        """Bar the numbers; the caller holds the gates off.

        A block that the provider is known to have is no new STOP: who came back since is still to be told to
        it. Nor is a refusal of a message from before it was told. Any other is one, however soon after a
        START, and no refusal is ever a reason to tell the provider that somebody came back.
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
            if key in known and _is_of_before(one, known[key]):
                continue
            scope = self._senders.sms.scope(sender)
            occasion = Occasion(now, STOP, Proof(source=PROVIDER), one.locale, one.message_id)
            self._stops.stop(tx, one.address_hash, people, scope, occasion, phone=phone)
            tx.sms_mirrors.note([Mirrored(*key, opted_out=True, at=now)])


def _is_of_before(one: StoppedNumber, known: Mirrored) -> bool:
    return known.opted_out or (one.called_at is not None and one.called_at < known.at)
