"""“This is not me”: a wrong or recycled address is barred from everything, and the shop is told."""

import logging
from typing import Final

from notify.domain.addresses import masked
from notify.domain.catalogue import Channel
from notify.domain.consent import Scope
from notify.domain.outbound import ADDRESS_DISPUTED, OutboundEvent
from notify.domain.requests import Choice
from notify.domain.suppressions import DISPUTED
from notify.usecases.centre.choosing import changes_of, void_undos
from notify.usecases.centre.visit import Visit
from notify.usecases.preferences.recording_choices import addresses_on, record_changes

_log: Final = logging.getLogger(__name__)


def disown(visit: Visit, channel: Channel) -> None:
    """Bar the address of that channel from everything; no undo weakens it."""
    tx, recipient = visit.tx, visit.recipient
    hashes = addresses_on(recipient, channel)
    address = recipient.profile.address(channel)
    for value in hashes:
        shown = masked(channel, address)
        tx.suppressions.bar(channel, value, Scope.ALL, reason=DISPUTED, masked=shown, now=visit.occasion.at)
    choices = [Choice(topic.name, channel, subscribed=False) for topic in visit.catalogue]
    void_undos(visit, choices)
    record_changes(tx, recipient.id, changes_of(visit, choices, firmly=True), hashes, visit.occasion)
    told = {"recipient_id": recipient.external_id, "channel": channel}
    tx.outbound.add([OutboundEvent(ADDRESS_DISPUTED, visit.occasion.at, told)], visit.occasion.at)
    _log.warning("address disputed", extra=told)
