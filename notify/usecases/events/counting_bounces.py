"""Count soft bounces: too many in a row cost the news for a while; a delivery makes up for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from notify.domain.catalogue import Channel
from notify.domain.consent import Scope
from notify.domain.event_moves import Reported, is_soft_bounce
from notify.domain.events import EventKind, ProviderEvent
from notify.domain.soft_bounces import LEFT_ALONE_FOR, CountedBounce, SoftBounceRule, weigh
from notify.domain.suppressions import SOFT_BOUNCES
from notify.store import Transaction
from notify.usecases.events.reported_refusals import masked_address


@dataclass(frozen=True, slots=True)
class BounceNews:
    """What a batch of events says of addresses that bounced for now, or take mail again."""

    bounced: Sequence[tuple[Reported, CountedBounce]]
    arrived: dict[bytes, datetime]

    @property
    def hashes(self) -> set[bytes]:
        """The addresses it is about."""
        return {one.address_hash for _, one in self.bounced} | self.arrived.keys()


def bounce_news(tx: Transaction, about: Sequence[tuple[Reported, ProviderEvent]]) -> BounceNews:
    """Return what events (each with its message) say; arrivals only where bounces are counted.

    E-mail only: where an SMS fails for now, the receipts do not tell a phone that is off from our own faults.
    """
    bounced = []
    arrived: dict[bytes, datetime] = {}
    for message, event in about:
        address_hash = message.address_hash
        if message.channel is not Channel.EMAIL or address_hash is None:
            continue
        if is_soft_bounce(event):
            bounced.append((message, CountedBounce(message.message_id, address_hash, event.at)))
        elif event.kind is EventKind.DELIVERED:
            arrived[address_hash] = max(event.at, arrived.get(address_hash, event.at))
    known = {one.address_hash for one in tx.soft_bounces.of(Channel.EMAIL, arrived.keys())}
    known |= {one.address_hash for _, one in bounced}
    return BounceNews(bounced, {value: at for value, at in arrived.items() if value in known})


def count_bounces(tx: Transaction, news: BounceNews, rule: SoftBounceRule, now: datetime) -> None:
    """Count them, bar who has too many and readmit whose mail arrives. Gates are locked out by the caller."""
    if not news.hashes:
        return
    counted = tx.soft_bounces.of(Channel.EMAIL, news.hashes)
    found = weigh(counted, [one for _, one in news.bounced], news.arrived, rule)
    tx.soft_bounces.drop(found.forgiven)
    tx.soft_bounces.add(Channel.EMAIL, found.added)
    if found.working:
        tx.suppressions.lift(Channel.EMAIL, found.working, SOFT_BOUNCES)
    messages = {one.address_hash: message for message, one in news.bounced}
    people = tx.recipients.by_numbers({messages[value].recipient_id for value in found.too_many})
    for value in found.too_many:
        tx.suppressions.bar(
            Channel.EMAIL,
            value,
            Scope.MARKETING,  # an order is worth a try, and its delivery readmits the address
            reason=SOFT_BOUNCES,
            masked=masked_address(messages[value], people.get(messages[value].recipient_id)),
            now=now,
            until=now + LEFT_ALONE_FOR,
        )
