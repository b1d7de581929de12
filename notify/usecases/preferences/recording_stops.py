"""Put on the ledger what a bar of an address is about to stop, for everybody who has it, many at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

from notify.domain.catalogue import Catalogue, Channel, Topic
from notify.domain.consent import Scope, Standing, bars, comes, subscription
from notify.domain.delivery import StoredRecipient
from notify.domain.imports import RecordedChoice
from notify.domain.ledger import COMPLAINT, Change, LedgerEntry, Left
from notify.store import Transaction
from notify.usecases.preferences.holding import Holders
from notify.usecases.preferences.recording_choices import Occasion


@dataclass(frozen=True, slots=True)
class Stop:
    """An address that is about to be barred, because somebody asked for that.

    `recipient_id`: whose message led to it, where one did. A complaint opts out as well: what stopped by it
    does not come again with the end of the bar alone.
    """

    channel: Channel
    address_hash: bytes
    scope: Scope
    occasion: Occasion
    recipient_id: int | None = None

    def ends(self, topic: Topic, standing: Standing) -> bool:
        """Whether the topic stops by it for somebody of whom so much is known."""
        if not bars(self.scope, topic):
            return False
        return subscription(topic, standing) is not None if self.leaves else comes(topic, standing)

    @property
    def leaves(self) -> bool:
        """Whether it changes preferences too."""
        return self.occasion.way == COMPLAINT


def record_stops(tx: Transaction, catalogue: Catalogue, stops: Sequence[Stop], holders: Holders) -> None:
    """Append one entry for each topic that stops, and store what is left for good.

    No undo from before takes back what is barred. To be called before the addresses are barred, by who holds
    their gates and those of `holders` off.
    """
    asked = [
        (stop, person, topic)
        for stop in stops
        for person in holders.get((stop.channel, stop.address_hash), ())
        for topic in catalogue
    ]
    if not asked:
        return
    tx.consents.void_undos(
        [
            Left(person.id, topic.number, stop.channel, [stop.address_hash])
            for stop, person, topic in asked
            if bars(stop.scope, topic)
        ]
    )
    standings = tx.consents.standings([(person, topic.number, stop.channel) for stop, person, topic in asked])
    ended = {
        (person.id, topic.number, stop.channel): (stop, person, topic)
        for (stop, person, topic), standing in zip(asked, standings, strict=True)
        if stop.ends(topic, standing)
    }
    told = [ended[key] for key in sorted(ended)]
    numbers = tx.consents.append([_entry(*one) for one in told])
    left = [
        RecordedChoice(person, Change(topic.number, stop.channel, subscribed=False, before=None), number)
        for (stop, person, topic), number in zip(told, numbers, strict=True)
        if stop.leaves
    ]
    if left:
        tx.imports.record(left, max(stop.occasion.at for stop in stops))


def _entry(stop: Stop, person: StoredRecipient, topic: Topic) -> LedgerEntry:
    occasion = stop.occasion
    return LedgerEntry(
        recipient_id=person.id,
        at=occasion.at,
        subscribed=False,
        way=occasion.way,
        topic=topic.number,
        channel=stop.channel,
        locale=person.profile.locale or occasion.locale,
        message_id=occasion.message_id if person.id == stop.recipient_id else None,
        proof=occasion.proof,
    )
