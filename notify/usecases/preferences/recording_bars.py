"""Tell the ledger what a suppression stopped, or let come again: it changes what comes, but no preference."""

from collections.abc import Collection

from notify.domain.catalogue import Catalogue, Channel
from notify.domain.consent import comes
from notify.domain.delivery import StoredRecipient
from notify.domain.ledger import LedgerEntry
from notify.store import Transaction
from notify.usecases.preferences.recording_choices import Occasion

Coming = Collection[tuple[int, Channel]]
"""The topics, by number, whose messages come to a person, each on a channel."""


def coming(tx: Transaction, catalogue: Catalogue, recipient: StoredRecipient) -> Coming:
    """Return what comes to the person at this moment."""
    keys = [(topic, channel) for topic in catalogue for channel in Channel]
    standings = tx.consents.standings([(recipient, topic.number, by) for topic, by in keys])
    return {
        (topic.number, channel)
        for (topic, channel), standing in zip(keys, standings, strict=True)
        if comes(topic, standing)
    }


def record_difference(
    tx: Transaction, catalogue: Catalogue, recipient: StoredRecipient, before: Coming, occasion: Occasion
) -> list[int]:
    """Append one entry for each topic and channel that stopped since `before`, or comes again."""
    now = coming(tx, catalogue, recipient)
    return tx.consents.append(
        [
            LedgerEntry(
                recipient_id=recipient.id,
                at=occasion.at,
                subscribed=(topic, channel) in now,
                way=occasion.way,
                topic=topic,
                channel=channel,
                locale=occasion.locale,
                message_id=occasion.message_id,
                proof=occasion.proof,
            )
            for topic, channel in sorted(set(before) ^ set(now))
        ]
    )
