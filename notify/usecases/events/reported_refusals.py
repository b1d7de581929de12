"""What bounces and complaints mean for later messages: the address is barred, the topic is left."""

from collections.abc import Sequence
from datetime import datetime

from notify.domain.addresses import masked
from notify.domain.catalogue import Catalogue
from notify.domain.confirmations import pending_in
from notify.domain.delivery import StoredRecipient
from notify.domain.event_moves import Reported, opt_out_way, suppression
from notify.domain.events import ProviderEvent
from notify.domain.ledger import COMPLAINT, Change, Left
from notify.store import Transaction
from notify.usecases.preferences.holding import Address, holders_of
from notify.usecases.preferences.recording_choices import Occasion, record_changes
from notify.usecases.preferences.recording_stops import Stop, record_stops

Refusals = Sequence[tuple[Reported, ProviderEvent]]
"""Messages with the event that tells that no more of their kind is wanted, or can arrive."""


def complained_of(refusals: Refusals) -> set[Address]:
    """Return the addresses whose owners reported a message as spam."""
    return {
        (message.channel, message.address_hash)
        for message, event in refusals
        if message.address_hash and opt_out_way(event) == COMPLAINT
    }


def bar_addresses(tx: Transaction, catalogue: Catalogue, refusals: Refusals, now: datetime) -> None:
    """Suppress the addresses that were written to, and put on the ledger what people left.

    A complaint opts everybody out who has the address, of all that its suppression stops. The caller holds
    the gates off, of theirs too.
    """
    if not refusals:
        return
    record_stops(tx, catalogue, _complaints(refusals, now), holders_of(tx, complained_of(refusals)))
    recipients = tx.recipients.by_numbers({message.recipient_id for message, _ in refusals})
    _suppress(tx, refusals, recipients, now)
    left = {
        (message.recipient_id, message.topic, message.channel): (message, way)
        for message, event in refusals
        if (way := opt_out_way(event)) and message.recipient_id in recipients  # a test's is nobody's
    }
    for key in sorted(left):
        message, way = left[key]
        _opt_out(tx, recipients[message.recipient_id], message, way, now)


def _complaints(refusals: Refusals, now: datetime) -> list[Stop]:
    return [
        Stop(
            message.channel,
            message.address_hash,
            found[0],
            Occasion(now, COMPLAINT, locale=message.locale, message_id=message.message_id),
            message.recipient_id,
        )
        for message, event in refusals
        if message.address_hash and opt_out_way(event) == COMPLAINT and (found := suppression(event))
    ]


def _suppress(
    tx: Transaction, refusals: Refusals, recipients: dict[int, StoredRecipient], now: datetime
) -> None:
    """Bar the addresses, in the order of their hashes."""
    barred = {
        (message.address_hash, reason): (message, scope)
        for message, event in refusals
        if message.address_hash and (found := suppression(event))
        for scope, reason in [found]
    }
    for address_hash, reason in sorted(barred):
        message, scope = barred[address_hash, reason]
        tx.suppressions.bar(
            message.channel,
            address_hash,
            scope,
            reason=reason,
            masked=masked_address(message, recipients.get(message.recipient_id)),
            now=now,
        )


def masked_address(message: Reported, person: StoredRecipient | None) -> str | None:
    """Return the address a message went to, masked; None where it is not the person's any more."""
    if person is None or person.hashes.get(message.channel) != message.address_hash:
        return None
    return masked(message.channel, person.profile.address(message.channel))


def _opt_out(tx: Transaction, recipient: StoredRecipient, message: Reported, way: str, now: datetime) -> None:
    """Put it on the ledger that a person left a topic, unless they had, and have not been asked since."""
    hashes = [message.address_hash] if message.address_hash else []
    (standing,) = tx.consents.standings([(recipient, message.topic, message.channel)])
    out = tx.consents.address_opted_out(message.topic, message.channel, hashes)
    left = standing.subscribed is False and out == set(hashes)
    if left and (message.topic, message.channel) not in pending_in(
        tx.confirmations.waiting([recipient.id], now, at=hashes)
    ):
        tx.consents.void_undos([Left(recipient.id, message.topic, message.channel, hashes)])
        return
    change = Change(message.topic, message.channel, subscribed=False, before=standing.subscribed)
    occasion = Occasion(now, way, locale=message.locale, message_id=message.message_id)
    record_changes(tx, recipient.id, [change], hashes, occasion)
