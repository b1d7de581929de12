"""Let an address be written to again that the person stopped by STOP, or by reporting a message as spam."""

from dataclasses import replace

from notify.domain.bars import LIFTED_BY_PERSON
from notify.domain.catalogue import Channel
from notify.domain.ledger import READMITTED
from notify.usecases.centre.visit import Visit
from notify.usecases.preferences.recording_choices import addresses_on


def readmit(visit: Visit, channel: Channel) -> None:
    """Lift what the person can take back; what was unsubscribed stays so, and other bars stand."""
    hashes = addresses_on(visit.recipient, channel)
    readmitted = replace(visit, occasion=replace(visit.occasion, way=READMITTED))
    with readmitted.on_the_ledger():
        for reason in LIFTED_BY_PERSON.values():
            visit.tx.suppressions.lift(channel, hashes, reason)
