"""Let an address be written to again that the person stopped by STOP, or by reporting a message as spam."""

from dataclasses import replace

from notify.domain.bars import LIFTED_BY_PERSON
from notify.domain.catalogue import Channel
from notify.domain.ledger import COMPLAINT, READMITTED
from notify.domain.requests import Choice
from notify.usecases.centre.choosing import Chosen, choose
from notify.usecases.centre.visit import Visit
from notify.usecases.preferences.confirmations import Confirmations
from notify.usecases.preferences.recording_choices import addresses_on


def readmit(visit: Visit, channel: Channel, confirmations: Confirmations) -> Chosen:
    """Lift what the person can take back; what they unsubscribed from stays so, and other bars stand.

    What a complaint left is chosen anew, as if its boxes were ticked: some of it may have to be confirmed.
    """
    hashes = addresses_on(visit.recipient, channel)
    readmitted = replace(visit, occasion=replace(visit.occasion, way=READMITTED))
    with readmitted.on_the_ledger():
        for reason in LIFTED_BY_PERSON.values():
            visit.tx.suppressions.lift(channel, hashes, reason)
    left = visit.tx.consents.left_by(visit.recipient.id, channel, COMPLAINT)
    topics = [topic for topic in visit.catalogue if topic.number in left]
    return choose(visit, [Choice(topic.name, channel, subscribed=True) for topic in topics], confirmations)
