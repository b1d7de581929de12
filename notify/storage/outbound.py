"""Events for the shop's webhook endpoints, kept in the transaction in which they happen."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, case, delete, select

from notify.domain import ids
from notify.domain.campaigns import NOBODY
from notify.domain.outbound import TOLD, OutboundEvent, listens, message_type
from notify.domain.status import Status
from notify.storage.listeners import Listeners
from notify.storage.outbound_rows import insert_events
from notify.storage.outbound_tables import WebhookDelivery, WebhookEvent
from notify.storage.statuses import APART
from notify.storage.tables import Dispatch, Message, Notification, Recipient

_AT_ONCE: Final = 2_000

_FACTS: Final = (
    select(
        Message.id,
        Message.notification_id,
        Message.campaign_id,
        Recipient.external_id,
        Message.channel,
        Message.topic,
        Notification.reference,
        case((APART, Message.status), else_=Dispatch.status).label("status"),
        case((APART, Message.reason)).label("reason"),
    )
    .outerjoin(Dispatch, Dispatch.id == Message.dispatch_id)
    .outerjoin(Recipient, Recipient.id == Message.recipient_id)
    .outerjoin(Notification, Notification.id == Message.notification_id)
    .where(Message.recipient_id != NOBODY)
    .order_by(Message.id)
)


class SqlOutbound:
    """Takes events, and finds out what is to be said of messages."""

    def __init__(self, connection: Connection, listeners: Listeners) -> None:
        self._connection = connection
        self._listeners = listeners

    def wanted(self, types: Collection[str]) -> set[str]:
        """Return those of these types that some endpoint wants."""
        active = self._listeners.get(self._connection)
        return {one for one in types if any(listens(who.events, one) for who in active)} if active else set()

    def add(self, events: Sequence[OutboundEvent], now: datetime) -> int:
        """Keep events for each endpoint that wants them."""
        active = self._listeners.get(self._connection) if events else ()
        wanted = [
            (event, takers)
            for event in events
            if (takers := [who.endpoint_id for who in active if listens(who.events, event.type)])
        ]
        return insert_events(self._connection, wanted, now) if wanted else 0

    def moved(self, statuses: Mapping[int, Status], now: datetime) -> int:
        """Tell that messages reached statuses."""
        told = self._told(statuses.values())
        asked = [number for number, status in statuses.items() if status in told]
        return sum(
            self._tell(Message.id.in_(some), now, lambda row: statuses[row.id] == row.status)
            for some in _batches(sorted(asked))
        )

    def dispatches_moved(self, dispatch_ids: Collection[int], status: Status, now: datetime) -> int:
        """Tell it of all messages that share the fate of these dispatches."""
        if not self._told([status]):
            return 0
        return sum(
            self._tell(Message.dispatch_id.in_(some), now, lambda row: row.status == status)
            for some in _batches(sorted(dispatch_ids))
        )

    def ended_in(self, campaign_id: int, recipients: Collection[int], now: datetime) -> int:
        """Tell of the messages of a campaign to these recipients that ended before they could go."""
        told = self._told([Status.SKIPPED, Status.EXPIRED])
        if not told:
            return 0
        ended = (Message.campaign_id == campaign_id) & APART & Message.dispatch_id.is_(None)
        return sum(
            self._tell(ended & Message.recipient_id.in_(some), now, lambda row: row.status in told)
            for some in _batches(sorted(recipients))
        )

    def cancelled_in(self, campaign_id: int) -> list[tuple[int, int]]:
        """Return the cancelled dispatches of a campaign."""
        mine = (Dispatch.campaign_id == campaign_id, Dispatch.status == Status.CANCELLED)
        query = select(Dispatch.id, Dispatch.size).where(*mine).order_by(Dispatch.id)
        return [(number, size) for number, size in self._connection.execute(query)]

    def forget(self, recipient: str) -> int:
        """Delete what was told and is to be told of somebody, and what others add of them meanwhile."""
        theirs = WebhookEvent.recipient == recipient
        events = select(WebhookEvent.id).where(theirs).order_by(WebhookEvent.id).with_for_update()
        told = WebhookDelivery.event_id.in_(select(WebhookEvent.id).where(theirs))
        mine = select(WebhookDelivery.id).where(told).order_by(WebhookDelivery.id).with_for_update()
        gone = 0
        # A replay that makes deliveries of them holds the events until commit.
        while held := list(self._connection.scalars(events)):
            deliveries = list(self._connection.scalars(mine))  # in the order in which callers lock them
            for some in _batches(deliveries):
                self._connection.execute(delete(WebhookDelivery).where(WebhookDelivery.id.in_(some)))
            for some in _batches(held):
                self._connection.execute(delete(WebhookEvent).where(WebhookEvent.id.in_(some)))
            gone += len(held)
        return gone

    def external_ids(self, recipients: Collection[int]) -> dict[int, str]:
        """Return the shop's own ids of recipients."""
        query = select(Recipient.id, Recipient.external_id)
        return {
            row.id: row.external_id
            for some in _batches(sorted(recipients))
            for row in self._connection.execute(query.where(Recipient.id.in_(some)))
        }

    def _told(self, statuses: Collection[Status]) -> set[Status]:
        """Return those of these statuses that somebody wants to be told of."""
        types = {message_type(status): status for status in set(statuses) & TOLD}
        return {types[one] for one in self.wanted(types)}

    def _tell(self, which: ColumnElement[bool], now: datetime, happened: Callable[[Row[Any]], bool]) -> int:
        """Tell where messages are, as far as it is where they were said to be."""
        rows = [row for row in self._connection.execute(_FACTS.where(which)) if happened(row)]
        return self.add([_event(row, now) for row in rows], now)


def _event(row: Row[Any], now: datetime) -> OutboundEvent:
    data = {
        "message_id": ids.public(ids.MESSAGE, row.id),
        "notification_id": ids.public(ids.NOTIFICATION, row.notification_id) if row.notification_id else None,
        "campaign_id": ids.public(ids.CAMPAIGN, row.campaign_id) if row.campaign_id else None,
        "recipient_id": row.external_id,
        "channel": row.channel,
        "topic": row.topic,
        "reference": row.reference,
        "status": row.status,
        "reason": row.reason,
    }
    return OutboundEvent(message_type(Status(row.status)), now, data)


def _batches(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), _AT_ONCE):
        yield numbers[start : start + _AT_ONCE]
