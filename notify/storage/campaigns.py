"""Campaigns and their dispatches: written by people and by the pump, paused, resumed, ended, counted."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Row,
    and_,
    delete,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from notify.domain.campaigns import HANDED_OVER, NOBODY, Campaign, CampaignChanges, CampaignStatus
from notify.domain.catalogue import Channel
from notify.domain.errors import NotFoundError
from notify.domain.newsletters import Content, Pinned
from notify.domain.requests import Lane
from notify.domain.status import Status
from notify.ports import Vault
from notify.storage.address_hashes import hash_address
from notify.storage.campaign_messages import bounded
from notify.storage.campaign_progress import read_progress
from notify.storage.campaign_rows import insert_messages
from notify.storage.campaign_tables import Campaign as CampaignRow
from notify.storage.engine import commit_without_waiting
from notify.storage.event_tables import ProviderEventRow
from notify.storage.letters import FORGOTTEN, TO_FIELD
from notify.storage.packs import PACKED, ahead, let_go, next_packed, under_way
from notify.storage.tables import Dispatch, Message, OutboxEntryRow
from notify.store.campaigns import Bundle, Opens, TestMessage

_NOT_LEAN: Final = frozenset(
    {"content", "pinned", "created_at", "updated_at", "messages_after", "messages_up_to"}
)
_LISTS: Final = ("channels", "overridden")
_LEAN: Final = tuple(column for column in CampaignRow.__table__.c if column.name not in _NOT_LEAN)
_QUEUED: Final[Any] = literal_column("'queued'")
"""In so many words, as the partial index has it: only then does PostgreSQL see that the index serves."""
_WRONG: Final = (Status.BOUNCED, Status.COMPLAINED)
_NOT_AS_SENT: Final = [status for status in Status if status in _WRONG or status not in HANDED_OVER]
_NOT_CALLED: Final = ("waiting", "claimed", "paused", PACKED)
_OPEN: Final[Any] = Dispatch.phase != literal_column("'done'")
"""In so many words, too."""
_HAS_LEFT_OVER: Final = exists().where(
    Dispatch.campaign_id == CampaignRow.id,
    Dispatch.lane == Lane.BULK,
    _OPEN,
    Dispatch.phase.in_(_NOT_CALLED),
)
_CALLS_END_WITHIN: Final = timedelta(hours=1)
_TESTS_AT_ONCE: Final = 1_000
_ADD_DISPATCHES: Final = insert(Dispatch).returning(Dispatch.id, sort_by_parameter_order=True)
_ADD_TESTS: Final = insert(Message).returning(Message.id, sort_by_parameter_order=True)


class SqlCampaigns:
    """Implements `store.campaigns.Campaigns`. A campaign's own dispatches are those of the bulk lane."""

    def __init__(self, connection: Connection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault

    def add(self, campaign: Campaign, content: Content, now: datetime) -> int:
        """Store a new one; return its number."""
        values = {column.name: getattr(campaign, column.name) for column in _LEAN if column.name != "id"}
        statement = insert(CampaignRow).values(
            **values | {name: list(values[name]) for name in _LISTS} | {"audience": _json(campaign.audience)},
            content=_json(content),
            created_at=now,
            updated_at=now,
        )
        return self._connection.execute(statement.returning(CampaignRow.id)).scalar_one()

    def get(self, number: int, *, lock: bool = False) -> Campaign:
        """Read one."""
        query = select(*_LEAN).where(CampaignRow.id == number)
        row = self._connection.execute(query.with_for_update() if lock else query).first()
        return _campaign(_found(row))

    def content(self, number: int) -> Content:
        """Return what its author wrote."""
        row = self._connection.execute(select(CampaignRow.content).where(CampaignRow.id == number)).first()
        content: Content = _found(row).content
        return content

    def pinned(self, number: int) -> Pinned | None:
        """Return what the content was made into, if it was yet."""
        row = self._connection.execute(select(CampaignRow.pinned).where(CampaignRow.id == number)).first()
        pinned = _found(row).pinned
        return Pinned.from_json(pinned) if pinned else None

    def change(self, number: int, changes: CampaignChanges, now: datetime) -> None:
        """Write columns of one."""
        values: dict[str, Any] = {**changes, "updated_at": now}
        values |= {name: list(values[name]) for name in _LISTS if name in values}
        for name in ("content", "audience", "pinned"):
            if name in values:
                values[name] = _json(values[name])
        self._connection.execute(update(CampaignRow).where(CampaignRow.id == number).values(values))

    def to_run(self, now: datetime) -> list[int]:
        """Return which have something to do, those that were last looked at longest ago first."""
        starts = and_(CampaignRow.status == CampaignStatus.SCHEDULED, CampaignRow.start_at <= now)
        goes_on = and_(
            CampaignRow.status == CampaignStatus.SENDING,
            or_(CampaignRow.next_slice_at.is_(None), CampaignRow.next_slice_at <= now),
        )
        query = select(CampaignRow.id).where(or_(starts, goes_on))
        return list(self._connection.scalars(query.order_by(CampaignRow.updated_at, CampaignRow.id)))

    def lock_if_free(self, number: int) -> Campaign | None:
        """Lock one, unless somebody else holds it."""
        query = select(*_LEAN).where(CampaignRow.id == number).with_for_update(skip_locked=True)
        row = self._connection.execute(query).first()
        return _campaign(row) if row else None

    def booked(self, number: int) -> Mapping[datetime, int]:
        """Return how many messages are planned for each moment."""
        rows = self._connection.execute(
            select(Dispatch.planned_at, func.sum(Dispatch.size))
            .where(*_of(number))
            .group_by(Dispatch.planned_at)
        )
        return {planned_at: int(count) for planned_at, count in rows}

    def add_messages(self, campaign: Campaign, bundles: Sequence[Bundle], now: datetime) -> list[int]:
        """Insert dispatches and their messages, and skipped messages."""
        commit_without_waiting(self._connection)
        going = [one for one in bundles if one.due_at is not None]
        numbers = self._add_dispatches(
            [
                _dispatch(campaign.number, Lane.BULK, one.channel, one.due_at or now, len(one.envelopes))
                | ({"phase": PACKED} if one.packed else {})
                for one in going
            ]
        )
        skipped = [(one, None) for one in bundles if one.due_at is None]
        with bounded(self._connection, campaign.number):
            insert_messages(self._connection, campaign, [*skipped, *zip(going, numbers, strict=True)], now)
        return numbers

    def add_tests(
        self, campaign: Campaign, tests: Sequence[TestMessage], locale: str, now: datetime
    ) -> tuple[list[int], list[int]]:
        """Insert test messages, a dispatch each; return the numbers of messages and of dispatches."""
        dispatches = self._add_dispatches(
            [_dispatch(campaign.number, Lane.NORMAL, one.channel, now, 1) for one in tests]
        )
        rows = [
            {
                "campaign_id": campaign.number,
                "recipient_id": NOBODY,
                "dispatch_id": dispatch,
                "channel": one.channel,
                "topic": campaign.topic,
                "locale": locale,
                "status": Status.QUEUED,
                "to_sealed": self._vault.seal(TO_FIELD, one.address),
                "address_hash": hash_address(self._vault, one.channel, one.address),
                "created_at": now,
                "updated_at": now,
            }
            for one, dispatch in zip(tests, dispatches, strict=True)
        ]
        return list(self._connection.scalars(_ADD_TESTS, rows)), dispatches

    def forget_tests_before(self, at: datetime) -> int:
        """Empty the addresses of tests that are through, and delete the copies in the outbox."""
        old = (
            select(Message.id)
            .join(Dispatch, Dispatch.id == Message.dispatch_id)
            .where(
                Message.recipient_id == NOBODY,
                Message.to_sealed != FORGOTTEN,
                Message.created_at < at,
                Dispatch.phase == "done",
            )
        )
        mine = list(
            self._connection.scalars(
                old.order_by(Message.id).limit(_TESTS_AT_ONCE).with_for_update(of=Message, skip_locked=True)
            )
        )
        if not mine:
            return 0
        theirs = Message.id.in_(mine)
        self._connection.execute(update(Message).where(theirs).values(to_sealed=FORGOTTEN))
        copies = delete(OutboxEntryRow).where(OutboxEntryRow.message_id.in_(mine))
        return len(mine) + self._connection.execute(copies).rowcount

    def pause_dispatches(self, number: int) -> int:
        """Keep those that were not called yet from being called; of what is packed, nobody lets go now.

        All open ones are locked first, those in mid-call too: who is just putting one back in the queue is
        waited for, and who does it later sees that the campaign is paused.
        """
        self._lock_open(number)
        return self._connection.execute(
            update(Dispatch)
            .where(*_of(number), _OPEN, Dispatch.phase.in_(("waiting", "claimed")))
            .values(phase="paused", claim=None, lease_until=None)
        ).rowcount

    def resume_dispatches(self, number: int) -> int:
        """Let those that were paused wait again."""
        self._lock_open(number)
        return self._connection.execute(
            update(Dispatch).where(*_of(number), _OPEN, Dispatch.phase == "paused").values(phase="waiting")
        ).rowcount

    def cancel_dispatches(self, number: int, now: datetime) -> int:
        """End those that were not called yet as `cancelled`."""
        return self._end(number, Status.CANCELLED, now)

    def expire_dispatches(self, number: int, now: datetime) -> int:
        """End those that were not called yet as `expired`."""
        return self._end(number, Status.EXPIRED, now)

    def _end(self, number: int, status: Status, now: datetime) -> int:
        self._lock_open(number)
        return self._connection.execute(
            update(Dispatch)
            .where(*_of(number), _OPEN, Dispatch.phase.in_(_NOT_CALLED))
            .values(phase="done", status=status, settled_at=now, claim=None, lease_until=None)
        ).rowcount

    def cancel_leftovers(self, now: datetime) -> int:
        """End what was put back after its campaign was cancelled in mid-call."""
        lately = select(CampaignRow.id).where(
            CampaignRow.status == CampaignStatus.CANCELLED,
            CampaignRow.finished_at > now - _CALLS_END_WITHIN,
            _HAS_LEFT_OVER,
        )
        return sum(self.cancel_dispatches(number, now) for number in self._connection.scalars(lately).all())

    def expire_leftovers(self, now: datetime) -> int:
        """End what a paused campaign has left once its time is over."""
        over = (
            select(CampaignRow.id)
            .where(CampaignRow.status == CampaignStatus.PAUSED, CampaignRow.expires_at <= now)
            .where(or_(CampaignRow.pumped.is_(False), _HAS_LEFT_OVER))
            .with_for_update(of=CampaignRow)
        )
        numbers = self._connection.scalars(over).all()
        for number in numbers:
            self.change(number, {"pumped": True}, now)
        return sum(self.expire_dispatches(number, now) for number in numbers)

    def open_dispatches(self, number: int) -> tuple[int, datetime | None]:
        """Count those that are not done; return also when the last of them is due."""
        row = self._connection.execute(
            select(func.count(), func.max(Dispatch.due_at)).where(*_of(number), _OPEN)
        ).one()
        return row[0], row[1]

    def under_way(self, number: int, now: datetime, most: int) -> int:
        """Count messages that wait for a call within a minute, or had it in the last one."""
        return under_way(self._connection, number, now, most)

    def ahead(self, number: int, most: int, now: datetime) -> tuple[int, int]:
        """Count those that are due and not done; and with them those that wait for another try."""
        return ahead(self._connection, number, most, now)

    def let_go(self, number: int, most: int, now: datetime, *, apart: bool, opens: Opens) -> int:
        """Take up to `most` messages that are due out of their packs, but for SMS whose window is closed."""
        return let_go(self._connection, number, most, now, apart=apart, opens=opens)

    def next_packed(self, number: int) -> datetime | None:
        """Return when the first pack there is is due."""
        return next_packed(self._connection, number)

    def sending(self) -> dict[int, Collection[str]]:
        """Return those that are sending, each with the reasons to stop that a person has overridden."""
        query = select(CampaignRow.id, CampaignRow.overridden).where(
            CampaignRow.status == CampaignStatus.SENDING
        )
        rows = self._connection.execute(query.order_by(CampaignRow.id))
        return {row.id: row.overridden for row in rows}

    def begun_since(self, since: datetime) -> dict[int, datetime]:
        """Return which campaigns have begun since then, and when."""
        query = select(CampaignRow.id, CampaignRow.started_at).where(
            CampaignRow.started_at > since, CampaignRow.test.is_(False)
        )
        return {number: at for number, at in self._connection.execute(query) if at}

    def reports(self, number: int) -> dict[str, int]:
        """Count by the index what went wrong; of the rest, what shares the fate of a sent dispatch."""
        rows = self._connection.execute(
            select(Message.status, func.count())
            .where(Message.campaign_id == number, Message.status != _QUEUED, Message.status.in_(_NOT_AS_SENT))
            .group_by(Message.status)
        ).all()
        counts: dict[str, int] = {row[0]: row[1] for row in rows}
        found: dict[str, int] = {status: counts.get(status, 0) for status in _WRONG}
        if found[Status.BOUNCED]:
            found[Status.BOUNCED] = self._hard_bounces(number)
        if not any(found.values()):  # so of SMS, where each message is a dispatch to be looked at
            return {**found, Status.SENT: 0}
        handed = select(func.sum(Dispatch.size)).where(*_of(number), Dispatch.status == Status.SENT)
        least = int(self._connection.scalar(handed) or 0) - sum(counts.values())
        return {**found, Status.SENT: max(0, least)}

    def _hard_bounces(self, number: int) -> int:
        """Count the messages that bounced for good: a mail server that was busy says nothing of a list."""
        bounced = (
            select(func.count(Message.id.distinct()))
            .join(ProviderEventRow, ProviderEventRow.message_id == Message.id)
            .where(Message.campaign_id == number, Message.status == Status.BOUNCED)
            .where(ProviderEventRow.hard.is_(True))
        )
        return int(self._connection.scalar(bounced) or 0)

    def progress(self, number: int, now: datetime) -> dict[str, int]:
        """Count its messages by status, all at one moment."""
        return read_progress(self._connection, [number], now)[number]

    def _lock_open(self, number: int) -> None:
        """Lock them in the order that everybody keeps; counted there, as there may be a million of them."""
        held = (
            select(Dispatch.id).where(*_of(number), _OPEN).order_by(Dispatch.id).with_for_update().subquery()
        )
        self._connection.scalar(select(func.count()).select_from(held))

    def _add_dispatches(self, rows: list[dict[str, Any]]) -> list[int]:
        return list(self._connection.scalars(_ADD_DISPATCHES, rows)) if rows else []


def _of(number: int) -> tuple[Any, ...]:
    """Return what a campaign's dispatches have in common; its tests travel in another lane."""
    return Dispatch.campaign_id == number, Dispatch.lane == Lane.BULK


def _dispatch(campaign: int, lane: Lane, channel: Channel, due_at: datetime, size: int) -> dict[str, Any]:
    return {
        "campaign_id": campaign,
        "lane": lane,
        "channel": channel,
        "size": size,
        "phase": "waiting",
        "due_at": due_at,
        "planned_at": due_at,
        "attempt": 0,
        "lapses": 0,
    }


def _found(row: Row[Any] | None) -> Row[Any]:
    if row is None:
        raise NotFoundError("no campaign of that id")
    return row


def _campaign(row: Row[Any]) -> Campaign:
    values = row._asdict()
    return Campaign(
        **{name: value for name, value in values.items() if name not in {"id", *_LISTS, "status"}},
        number=row.id,
        channels=tuple(Channel(name) for name in row.channels),
        overridden=tuple(row.overridden),
        status=CampaignStatus(row.status),
    )


def _json(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a plain dict of plain dicts, as the JSON column wants it."""
    if value is None:
        return None
    return {key: dict(one) if isinstance(one, Mapping) else one for key, one in value.items()}
