"""Soft bounces: how many in a row make an address one that marketing leaves alone for a while."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

LEFT_ALONE_FOR: Final = timedelta(days=90)
"""A whole mailbox provider that did not like us for a month must not cost its people their news for good."""


@dataclass(frozen=True, slots=True)
class SoftBounceRule:
    """`limit` messages that bounced within `window`, none delivered in between, are too many."""

    limit: int = 5
    window: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class CountedBounce:
    """One message that bounced for now, by the address it went to."""

    message_id: int
    address_hash: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Weighed:
    """What is counted no more, what is counted now, which addresses have too many, and which work again."""

    forgiven: Sequence[int]
    added: Sequence[CountedBounce]
    too_many: Sequence[bytes]
    working: Sequence[bytes]


def weigh(
    counted: Sequence[CountedBounce],
    bounced: Sequence[CountedBounce],
    arrived: Mapping[bytes, datetime],
    rule: SoftBounceRule,
) -> Weighed:
    """Weigh new bounces and arrivals (the last of each address) against what was counted before.

    An arrival forgives the bounces before it; those after it count.
    """

    def stands(one: CountedBounce) -> bool:
        return one.address_hash not in arrived or one.at > arrived[one.address_hash]

    before = {one.message_id for one in counted}
    added = [one for one in bounced if stands(one) and one.message_id not in before]
    standing: dict[bytes, list[datetime]] = {}
    for one in (*filter(stands, counted), *added):
        standing.setdefault(one.address_hash, []).append(one.at)
    touched = {one.address_hash for one in added}
    return Weighed(
        forgiven=[one.message_id for one in counted if not stands(one)],
        added=added,
        too_many=sorted(value for value in touched if _too_many(standing[value], rule)),
        working=sorted({one.address_hash for one in counted if not stands(one)} - standing.keys()),
    )


def _too_many(times: Sequence[datetime], rule: SoftBounceRule) -> bool:
    since = max(times) - rule.window
    return sum(at > since for at in times) >= rule.limit
