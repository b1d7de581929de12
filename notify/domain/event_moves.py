"""What a provider's event makes of a message: its next status, and what follows for the address."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from notify.domain import ledger
from notify.domain.catalogue import Channel
from notify.domain.consent import Scope
from notify.domain.events import EventKind, ProviderEvent
from notify.domain.requests import Lane
from notify.domain.status import Status, may_move
from notify.domain.suppressions import COMPLAINT, HARD_BOUNCE

TARGETS: Final[Mapping[EventKind, Status]] = {
    EventKind.PROCESSED: Status.SENT,
    EventKind.SENT: Status.SENT,
    # The provider has it and goes on trying.
    EventKind.DEFERRED: Status.SENT,
    EventKind.DELIVERED: Status.DELIVERED,
    EventKind.BOUNCED: Status.BOUNCED,
    EventKind.DROPPED: Status.FAILED,
    EventKind.FAILED: Status.FAILED,
    EventKind.COMPLAINED: Status.COMPLAINED,
    # Nobody can do this with a message that has not arrived.
    EventKind.UNSUBSCRIBED: Status.DELIVERED,
}
"""Where each kind leads; one that is not here leads nowhere."""

NOT_KEPT: Final = frozenset({EventKind.OPENED, EventKind.CLICKED})
"""Nobody asked for these: tracking is switched off in every call. Whatever of them an account reports all the
same is neither stored nor shown, and no message moves by it."""

NOT_ARRIVED: Final = frozenset({Status.BOUNCED, Status.FAILED})
"""After these `fallback` routing turns to the next channel."""

_OPT_OUT_WAYS: Final = {EventKind.COMPLAINED: ledger.COMPLAINT, EventKind.UNSUBSCRIBED: ledger.PROVIDER}
_ADDRESS_IS_BAD: Final = frozenset({EventKind.BOUNCED, EventKind.DROPPED, EventKind.FAILED})


class Reported(NamedTuple):
    """A message that events are about, as it stands. `status` is the effective one.

    `called_at`: when the call that handed it over was through; None where it is not, or nobody knows.
    """

    message_id: int
    recipient_id: int
    notification_id: int | None
    channel: Channel
    topic: int
    locale: str
    address_hash: bytes | None
    lane: Lane
    status: Status
    called_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Routed:
    """A notification with `fallback` routing, as far as its next channel goes."""

    channels: Sequence[Channel]
    expires_at: datetime | None

    def after(self, channel: Channel, now: datetime) -> Channel | None:
        """Return the channel that it turns to after this one, if any is left."""
        over = self.expires_at is not None and self.expires_at <= now
        if over or channel not in self.channels:
            return None
        later = self.channels[self.channels.index(channel) + 1 :]
        return later[0] if later else None


class Move(NamedTuple):
    """A message's new status, by the event that led there."""

    message: Reported
    status: Status
    event: ProviderEvent


def moved(old: Status, event: ProviderEvent) -> Status | None:
    """Return the status that an event leads to, or None where it changes nothing.

    Only forward: what is final stays, but that a delivery turns out to have bounced for good, or to be
    unwanted.
    """
    new = TARGETS.get(event.kind)
    if new is None or not may_move(old, new):
        return None
    late_bounce = old is Status.DELIVERED and new is Status.BOUNCED
    return new if event.hard or not late_bounce else None


def moves(reported: Mapping[int, Reported], events: Iterable[tuple[int | None, ProviderEvent]]) -> list[Move]:
    """Return the moves of messages under events (each with its message), by number; at most one for each.

    Events take effect in the order in which they happened, not in that of their arrival.
    """
    found: dict[int, Move] = {}
    for number, event in sorted(events, key=lambda one: one[1].at):
        message = reported.get(number or 0)
        if number is None or message is None:
            continue
        old = found[number].status if number in found else message.status
        new = moved(old, event)
        if new is not None:
            found[number] = Move(message, new, event)
    return [found[number] for number in sorted(found)]


def suppression(event: ProviderEvent) -> tuple[Scope, str] | None:
    """Return what an event bars the address from, and why; None if it does not."""
    if EventKind.COMPLAINED in (event.kind, event.because):
        return Scope.MARKETING, COMPLAINT
    if event.hard and event.kind in _ADDRESS_IS_BAD:
        return Scope.ALL, HARD_BOUNCE
    return None


def is_soft_bounce(event: ProviderEvent) -> bool:
    """Whether the far side refused a message for now; what is only deferred is none."""
    return event.kind is EventKind.BOUNCED and not event.hard


def opt_out_way(event: ProviderEvent) -> str | None:
    """Return by which way an event opts the person out of the message's topic; None if it does not."""
    return _OPT_OUT_WAYS.get(event.because or event.kind)
