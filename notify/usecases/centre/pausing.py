"""Pause all news and offers for a while: a suppression of the addresses that ends by itself."""

from dataclasses import replace
from datetime import timedelta
from enum import IntEnum

from notify.domain import suppressions
from notify.domain.addresses import masked
from notify.domain.catalogue import Channel
from notify.domain.consent import Scope
from notify.domain.ledger import PAUSE, RESUME
from notify.usecases.centre.visit import Visit
from notify.usecases.preferences.recording_choices import addresses_on


class Pause(IntEnum):
    """How long a pause lasts, in days."""

    WEEK = 7
    MONTH = 30
    QUARTER = 90


def pause(visit: Visit, length: Pause) -> None:
    """Keep marketing from every address of the person until the day; a later pause moves the end."""
    now = visit.occasion.at
    # Locked, so that an address that changes meanwhile is paused by whoever comes second.
    person = visit.tx.recipients.by_external_id(visit.recipient.external_id, lock=True) or visit.recipient
    paused = replace(visit, recipient=person, occasion=replace(visit.occasion, way=PAUSE))
    with paused.on_the_ledger():
        for channel in Channel:
            address = person.profile.address(channel)
            for value in addresses_on(person, channel):
                visit.tx.suppressions.bar(
                    channel,
                    value,
                    Scope.MARKETING,
                    reason=suppressions.PAUSE,
                    masked=masked(channel, address),
                    now=now,
                    until=now + timedelta(days=length),
                )


def resume(visit: Visit) -> None:
    """End a pause before its day."""
    resumed = replace(visit, occasion=replace(visit.occasion, way=RESUME))
    with resumed.on_the_ledger():
        for channel in Channel:
            visit.tx.suppressions.lift(channel, addresses_on(visit.recipient, channel), suppressions.PAUSE)
