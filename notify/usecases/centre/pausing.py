"""Pause all news and offers for a while: a suppression of the addresses that ends by itself."""

from dataclasses import replace
from datetime import timedelta
from enum import IntEnum

from notify.domain import suppressions
from notify.domain.addresses import masked
from notify.domain.catalogue import Channel
from notify.domain.consent import Scope
from notify.domain.delivery import StoredRecipient
from notify.domain.ledger import PAUSE, RESUME
from notify.store import Transaction
from notify.usecases.centre.visit import Visit
from notify.usecases.preferences.holding import Address
from notify.usecases.preferences.recording_choices import addresses_on


class Pause(IntEnum):
    """How long a pause lasts, in days."""

    WEEK = 7
    MONTH = 30
    QUARTER = 90


def paused_with(tx: Transaction, person: StoredRecipient) -> list[Address]:
    """Return what is paused together: the addresses of the person, and what they had when they wanted it."""
    return sorted({*person.hashes.items(), *tx.suppressions.paused_by(person.id)})


def pause(visit: Visit, length: Pause) -> None:
    """Keep marketing from every address of the person until the day; a later pause moves the end."""
    now = visit.occasion.at
    paused = _locked(visit, PAUSE)
    person = paused.recipient
    with paused.on_the_ledger():
        for channel, value in paused.addresses:
            has = person.hashes.get(channel) == value
            visit.tx.suppressions.bar(
                channel,
                value,
                Scope.MARKETING,
                reason=suppressions.PAUSE,
                masked=masked(channel, person.profile.address(channel)) if has else None,
                now=now,
                until=now + timedelta(days=length),
                paused_by=person.id,
            )


def resume(visit: Visit) -> None:
    """End a pause before its day: wherever the person's own holds, and whosever holds at what they have."""
    resumed = _locked(visit, RESUME)
    with resumed.on_the_ledger():
        for channel in Channel:
            hashes = addresses_on(resumed.recipient, channel)
            visit.tx.suppressions.lift(channel, hashes, suppressions.PAUSE)
        visit.tx.suppressions.resume_of(resumed.recipient.id)


def _locked(visit: Visit, way: str) -> Visit:
    """Read the person anew, so that an address that changes meanwhile is paused by whoever comes second."""
    person = visit.tx.recipients.by_external_id(visit.recipient.external_id, lock=True) or visit.recipient
    addresses = paused_with(visit.tx, person)
    return replace(visit, recipient=person, addresses=addresses, occasion=replace(visit.occasion, way=way))
