"""What providers report: whole posts until they are read, then each event once."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    delete,
    exists,
    insert,
    literal_column,
    select,
    union_all,
    update,
)

from notify.domain.catalogue import Channel
from notify.domain.errors import VaultError
from notify.domain.event_moves import Move, Reported
from notify.domain.events import ProviderEvent
from notify.domain.requests import Lane
from notify.domain.status import Status
from notify.domain.webhook_posts import KeptPost
from notify.ports import Vault
from notify.storage import event_rows
from notify.storage.columns import UtcDateTime
from notify.storage.event_tables import EventPost, ProviderEventRow
from notify.storage.statuses import effective_status
from notify.storage.tables import Dispatch, Message

BODY_FIELD: Final = "event_posts.body"

_MOMENT: Final = UtcDateTime()

# Built once: composing a statement costs SQLAlchemy more than running it.
_DUE: Final = EventPost.due_at <= bindparam("now", type_=_MOMENT)
_WAITS: Final = select(exists().where(_DUE))
_TAKE: Final = (
    select(EventPost.__table__)
    .where(_DUE, EventPost.provider == bindparam("whose"))
    .order_by(EventPost.due_at, EventPost.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_THEIRS: Final[BindParameter[Any]] = bindparam("theirs", expanding=True)
_NUMBERS: Final = union_all(
    select(Message.provider_message_id.label("theirs"), Message.id).where(
        Message.provider_message_id.in_(_THEIRS)
    ),
    # Of SMS alone: the e-mails of one call share an id of SendGrid's, which names none of them.
    select(Dispatch.provider_message_id.label("theirs"), Message.id)
    .join(Message, Message.dispatch_id == Dispatch.id)
    .where(Dispatch.provider_message_id.in_(_THEIRS), Dispatch.channel == literal_column("'sms'")),
)


class SqlEvents:
    """Reads and writes posts, events, and the messages they are about."""

    def __init__(self, connection: Connection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault

    def keep_post(self, provider: str, body: str, now: datetime) -> None:
        """Keep a whole post, encrypted."""
        self._connection.execute(
            insert(EventPost),
            {
                "provider": provider,
                "body_sealed": self._vault.seal(BODY_FIELD, body),
                "received_at": now,
                "due_at": now,
                "tries": 0,
            },
        )

    def waiting(self, now: datetime) -> bool:
        """Whether a post is due."""
        return bool(self._connection.scalar(_WAITS, {"now": now}))

    def take_posts(self, provider: str, limit: int, now: datetime) -> list[KeptPost]:
        """Lock the oldest posts that are due and that nobody else is reading."""
        rows = self._connection.execute(_TAKE, {"whose": provider, "most": limit, "now": now})
        return [KeptPost(row.id, self._opened(row.body_sealed), row.received_at, row.tries) for row in rows]

    def drop_posts(self, numbers: Collection[int]) -> None:
        """Delete posts that were read."""
        self._connection.execute(delete(EventPost).where(EventPost.id.in_(numbers)))

    def put_off(self, number: int, due_at: datetime, *, tries: int) -> None:
        """Let a post wait until `due_at`."""
        values = {"due_at": due_at, "tries": tries}
        self._connection.execute(update(EventPost).where(EventPost.id == number).values(values))

    def drop_posts_before(self, at: datetime) -> int:
        """Delete posts received before `at`; return how many."""
        return self._connection.execute(delete(EventPost).where(EventPost.received_at < at)).rowcount

    def add(self, events: Sequence[tuple[int | None, ProviderEvent]], now: datetime) -> set[tuple[str, str]]:
        """Store events, each with its message; return provider and id of those that are new."""
        return event_rows.add_events(self._connection, events, now)

    def forget_messages(self, numbers: Collection[int]) -> None:
        """Let stored events name none of these messages, which are gone."""
        self._connection.execute(
            update(ProviderEventRow).where(ProviderEventRow.message_id.in_(numbers)).values(message_id=None)
        )

    def numbers_of(self, theirs: Collection[str]) -> dict[str, int]:
        """Return the messages that the provider knows by these ids of its own."""
        rows = self._connection.execute(_NUMBERS, {"theirs": list(theirs)}) if theirs else ()
        return {their: number for their, number in rows if their}

    def reported(self, numbers: Collection[int], now: datetime, *, lock: bool = False) -> dict[int, Reported]:
        """Return messages as they stand; `lock` keeps others from changing them until commit."""
        query = event_rows.with_numbers(self._connection, _reported(now), numbers)
        rows = self._connection.execute(query.with_for_update(of=Message) if lock else query).all()
        return {
            number: Reported(
                number,
                recipient,
                notification,
                Channel(channel),
                topic,
                locale,
                address_hash,
                Lane(lane or Lane.NORMAL),
                Status(status),
                called_at,
            )
            for (
                number,
                recipient,
                notification,
                channel,
                topic,
                locale,
                address_hash,
                lane,
                called_at,
                status,
            ) in rows
        }

    def move(self, moves: Sequence[Move], now: datetime) -> None:
        """Write the new statuses of locked messages."""
        event_rows.move_messages(self._connection, moves, now)

    def _opened(self, sealed: bytes) -> str | None:
        try:
            return self._vault.open(BODY_FIELD, sealed)
        except VaultError:
            return None


def _status_to_report_on(now: datetime) -> ColumnElement[str]:
    """Return a message's status, `sending` from its first try on.

    What waits for the morning before it is sent again looks `scheduled`, as if there were nothing to tell.
    """
    waits_again = and_(Message.status == Status.QUEUED, Dispatch.status.is_(None), Dispatch.attempt > 0)
    return case((waits_again, Status.SENDING.value), else_=effective_status(now))


def _reported(now: datetime) -> Select[Any]:
    """Select messages as they stand, in the order in which everybody locks them."""
    own = ("id", "recipient_id", "notification_id", "channel", "topic", "locale", "address_hash")
    return (
        select(
            *(Message.__table__.c[name] for name in own),
            Dispatch.lane,
            Dispatch.settled_at,
            _status_to_report_on(now),
        )
        .outerjoin(Dispatch, Dispatch.id == Message.dispatch_id)
        .order_by(Message.id)
    )
