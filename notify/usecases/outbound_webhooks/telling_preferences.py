"""Tell the shop's webhook endpoints of changed preferences: a follower of the ledger."""

from collections.abc import Sequence
from datetime import datetime

from notify.domain import ids
from notify.domain.ledger import SealedEntry
from notify.domain.outbound import PREFERENCE_CHANGED, OutboundEvent
from notify.store import Transaction


def tell_preferences(tx: Transaction, entries: Sequence[SealedEntry], now: datetime) -> None:
    """Tell each change of a preference; those of people who are gone by now are not, as they have no id."""
    if not tx.outbound.wanted([PREFERENCE_CHANGED]):
        return
    changes = [one for one in entries if one.topic is not None and one.channel is not None]
    numbers = {one.recipient_id for one in changes}
    tx.recipients.keep_from_erasure(numbers)  # else what is told of them here would outlive them
    people = tx.outbound.external_ids(numbers)
    events = [
        OutboundEvent(PREFERENCE_CHANGED, one.at, _data(one, people[one.recipient_id]))
        for one in changes
        if one.recipient_id in people
    ]
    tx.outbound.add(events, now)


def _data(entry: SealedEntry, recipient: str) -> dict[str, object]:
    return {
        "recipient_id": recipient,
        "topic": entry.topic,
        "channel": entry.channel,
        "subscribed": entry.subscribed,
        "source": entry.way,
        "consent_id": ids.public(ids.CONSENT, entry.number),
        "message_id": ids.public(ids.MESSAGE, entry.message_id) if entry.message_id else None,
    }
