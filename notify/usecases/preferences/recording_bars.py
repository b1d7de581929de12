"""Tell the ledger what a suppression stopped, or let come again: it changes what comes, but no preference."""

from collections.abc import Callable, Collection

from notify.domain.catalogue import Catalogue, Channel
from notify.domain.consent import comes
from notify.domain.delivery import StoredRecipient
from notify.domain.ledger import LedgerEntry
from notify.store import Transaction
from notify.usecases.preferences.holding import Holders
from notify.usecases.preferences.recording_choices import Occasion

Coming = Collection[tuple[int, int, Channel]]
"""Who gets which topic on which channel at this moment, by numbers."""


def coming(tx: Transaction, catalogue: Catalogue, holders: Holders) -> Coming:
    """Return what comes to addresses, under each recipient id that has them."""
    keys = [
        (person, topic, channel)
        for (channel, _), people in holders.items()
        for person in people
        for topic in catalogue
    ]
    if not keys:
        return ()
    standings = tx.consents.standings([(person, topic.number, channel) for person, topic, channel in keys])
    return {
        (person.id, topic.number, channel)
        for (person, topic, channel), standing in zip(keys, standings, strict=True)
        if comes(topic, standing)
    }


def record_difference(
    tx: Transaction,
    catalogue: Catalogue,
    holders: Holders,
    before: Coming,
    occasion_of: Callable[[StoredRecipient], Occasion],
) -> None:
    """Append one entry for each person, topic and channel that stopped since `before`, or comes again.

    The caller holds off the gates of these addresses, and of all who have them.
    """
    now = coming(tx, catalogue, holders)
    people = {one.id: one for having in holders.values() for one in having}
    occasions = {number: occasion_of(person) for number, person in people.items()}
    tx.consents.append(
        [
            LedgerEntry(
                recipient_id=number,
                at=occasions[number].at,
                subscribed=(number, topic, channel) in now,
                way=occasions[number].way,
                topic=topic,
                channel=channel,
                locale=occasions[number].locale,
                message_id=occasions[number].message_id,
                proof=occasions[number].proof,
            )
            for number, topic, channel in sorted(set(before) ^ set(now))
        ]
    )
