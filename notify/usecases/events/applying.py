"""Apply what providers report: each event once, statuses only forward, bad addresses barred."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from notify.domain import ids
from notify.domain.catalogue import Catalogue, Channel
from notify.domain.errors import NotFoundError
from notify.domain.event_moves import (
    NOT_ARRIVED,
    NOT_KEPT,
    TARGETS,
    Move,
    Reported,
    moves,
    opt_out_way,
    suppression,
)
from notify.domain.events import EventKind, ProviderEvent
from notify.domain.requests import Lane
from notify.domain.soft_bounces import SoftBounceRule
from notify.ports import Telemetry, WakeUps
from notify.store import Transaction
from notify.usecases.events.counting_bounces import bounce_news, count_bounces
from notify.usecases.events.reported_refusals import bar_addresses, complained_of
from notify.usecases.notifications.next_channels import hold_routes
from notify.usecases.preferences.holding import held, holders_of
from notify.usecases.sms.provider_stops import ProviderStops, StoppedNumber

REPEATED: Final = "repeated"
UNMATCHED: Final = "unmatched"
UNKNOWN_WORD: Final = "unknown_word"
DROPPED: Final = "dropped"
MOVED: Final = "moved"
UNCHANGED: Final = "unchanged"
"""What may come of an event, as it is counted."""

Fresh = Sequence[tuple[int | None, ProviderEvent]]
"""Events that are new, each with the number of its message if that is known."""


@dataclass(slots=True)
class Applied:
    """What came of a batch of events: to be told once it is committed."""

    counted: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    moved: Sequence[Move] = ()
    rung: list[tuple[Lane, int]] = field(default_factory=list)


def apply_events(
    tx: Transaction,
    catalogue: Catalogue,
    events: Collection[ProviderEvent],
    now: datetime,
    *,
    rule: SoftBounceRule = SoftBounceRule(),  # noqa: B008 - frozen
    stops: ProviderStops | None = None,
) -> Applied:
    """Store and apply events; those that were stored before, or are about no message of ours, change nothing.

    `stops` follows those that tell of a STOP.

    Locks are taken in the order that everybody keeps: shards, recipients, notifications, messages.
    """
    once = {(event.provider, event.event_id): event for event in events if event.kind not in NOT_KEPT}
    numbers = message_numbers(tx, once.values())
    new = tx.events.add([(numbers.get(key), event) for key, event in once.items()], now)
    fresh = [(numbers.get(key), event) for key, event in once.items() if key in new]
    known = tx.events.reported({number for number, _ in fresh if number}, now)
    gone = {number for number, _ in fresh if number} - known.keys()
    if gone:
        tx.events.forget_messages(gone)
    about = [(known[number], event) for number, event in fresh if number in known]
    _follow_refusals(tx, catalogue, about, now, rule=rule, stops=stops)
    applied = _move(tx, fresh, known, now)
    applied.counted.update(_outcomes(fresh, applied.moved, known))
    not_kept = [event for event in events if event.kind in NOT_KEPT]
    applied.counted.update((event.provider, event.kind.value, DROPPED) for event in not_kept)
    repeated = len(events) - len(not_kept) - len(fresh)
    if repeated:
        provider = next(iter(once.values())).provider
        applied.counted[provider, "", REPEATED] += repeated
    return applied


def _follow_refusals(
    tx: Transaction,
    catalogue: Catalogue,
    about: Sequence[tuple[Reported, ProviderEvent]],
    now: datetime,
    *,
    rule: SoftBounceRule,
    stops: ProviderStops | None,
) -> None:
    """Do what bounces and complaints ask for beyond the status of their messages."""
    refusals = [(message, event) for message, event in about if suppression(event) or opt_out_way(event)]
    news = bounce_news(tx, about)
    stopped = _stopped(about) if stops else []
    if not (refusals or news.hashes or stopped):
        return
    hashes = {message.address_hash for message, _ in refusals if message.address_hash} | news.hashes
    people = {message.recipient_id for message, _ in refusals}
    addresses = complained_of(refusals) | {(Channel.SMS, one.address_hash) for one in stopped}
    holders = held(
        tx,
        lambda: holders_of(tx, addresses),
        lambda known: (
            people | {one.id for having in known.values() for one in having},
            hashes | {value for _, value in addresses},
        ),
    )
    if stops:
        theirs = {one.address_hash: holders.get((Channel.SMS, one.address_hash), ()) for one in stopped}
        stops.record(tx, stopped, theirs, now)
    bar_addresses(tx, catalogue, refusals, now)
    count_bounces(tx, news, rule, now)


def _stopped(about: Sequence[tuple[Reported, ProviderEvent]]) -> list[StoppedNumber]:
    return [
        StoppedNumber(
            message.address_hash, message.topic, message.message_id, message.locale, message.called_at
        )
        for message, event in about
        if event.stopped and message.address_hash
    ]


def message_numbers(tx: Transaction, events: Collection[ProviderEvent]) -> dict[tuple[str, str], int]:
    """Return the message each event is about, by the event's key: by our own id, else by the provider's."""
    found = {}
    theirs = {}
    for event in events:
        number = _number(event.message_ref)
        if number:
            found[event.provider, event.event_id] = number
        elif event.provider_message_id and event.provider_message_id.isprintable():
            theirs[event.provider, event.event_id] = event.provider_message_id
    known = tx.events.numbers_of(set(theirs.values())) if theirs else {}
    return found | {key: known[their] for key, their in theirs.items() if their in known}


def tell(applied: Applied, catalogue: Catalogue, telemetry: Telemetry, wake_ups: WakeUps) -> None:
    """Count what came of events, and ring for what follows."""
    for (provider, kind, outcome), count in applied.counted.items():
        telemetry.events(provider, kind, outcome, count=count)
    settled = Counter(
        (one.message.topic, one.message.channel, one.event.provider, one.status) for one in applied.moved
    )
    for (number, channel, provider, status), count in settled.items():
        name = catalogue.name_of(number) or ""
        telemetry.settled(name, channel, provider, status, "", count=count)
    for lane in {lane for lane, _ in applied.rung}:
        wake_ups.ring(lane, [number for its, number in applied.rung if its is lane])


def _move(tx: Transaction, fresh: Fresh, known: Mapping[int, Reported], now: datetime) -> Applied:
    """Move messages forward, and give those that did not arrive their next channel."""
    about = [(number, event) for number, event in fresh if number in known and event.kind in TARGETS]
    prospects = moves(known, about)
    if not prospects:
        return Applied()
    routes = hold_routes(tx, _not_arrived(prospects))
    locked = tx.events.reported({one.message.message_id for one in prospects}, now, lock=True)
    moved = moves(locked, about)
    tx.events.move(moved, now)
    tx.outbound.moved({one.message.message_id: one.status for one in moved}, now)
    rung = []
    for one in moved:
        route = routes.get(one.message.notification_id or 0)
        following = route.after(one.message.channel, now) if route and one.status in NOT_ARRIVED else None
        if following:
            lane = one.message.lane
            rung.append((lane, tx.notifications.add_message(one.message.message_id, following, lane, now)))
    return Applied(moved=moved, rung=rung)


def _not_arrived(prospects: Sequence[Move]) -> dict[int, int]:
    """Return the notifications that may need their next channel, each with its recipient."""
    lost = (one.message for one in prospects if one.status in NOT_ARRIVED)
    return {one.notification_id: one.recipient_id for one in lost if one.notification_id}


def _outcomes(
    fresh: Fresh, moved: Sequence[Move], known: Mapping[int, Reported]
) -> Counter[tuple[str, str, str]]:
    movers = {(one.event.provider, one.event.event_id) for one in moved}
    counted: Counter[tuple[str, str, str]] = Counter()
    for number, event in fresh:
        if event.kind is EventKind.UNKNOWN:
            outcome = UNKNOWN_WORD
        elif number not in known:
            outcome = UNMATCHED
        else:
            outcome = MOVED if (event.provider, event.event_id) in movers else UNCHANGED
        counted[event.provider, event.kind.value, outcome] += 1
    return counted


def _number(message_ref: str | None) -> int | None:
    """Return the number behind one of our ids; None for what somebody else calls a message."""
    try:
        return ids.number_of(ids.MESSAGE, message_ref) if message_ref else None
    except NotFoundError:
        return None
