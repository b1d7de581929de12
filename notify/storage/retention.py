"""Takes what is old. Each kind is walked in the order of its numbers, which is that of its age."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    delete,
    exists,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.orm import aliased

from notify.domain import proofs
from notify.domain.errors import VaultError
from notify.domain.ledger import BARRING_WAYS, PAUSE_END
from notify.domain.retention import Kept, RetentionRun, Step
from notify.ports import Vault
from notify.storage.consent_tables import ConsentProof, ConsentRecord
from notify.storage.consents import PROOF_FIELD
from notify.storage.event_tables import ProviderEventRow
from notify.storage.letters import FORGOTTEN
from notify.storage.person_tables import RetentionRun as RunRow
from notify.storage.tables import Dispatch, Message, Notification, OutboxEntryRow, Recipient

_AT_ONCE: Final = 500

_DELETED: Final[Mapping[Kept, tuple[Any, Any]]] = {
    Kept.COPIES: (OutboxEntryRow.id, OutboxEntryRow.kept_at),
    Kept.EVENTS: (ProviderEventRow.id, ProviderEventRow.received_at),
    Kept.RUNS: (RunRow.id, RunRow.at),
}
"""Tables of which old rows are simply deleted: their number, and their age."""

_OPEN: Final = exists().where(
    Message.notification_id == Notification.id, Dispatch.id == Message.dispatch_id, Dispatch.phase != "done"
)
"""Some message of the notification may still be written."""


class SqlRetention:
    """Takes what is old, some rows at a time."""

    def __init__(self, connection: Connection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault
        self._steps: Mapping[Kept, Callable[[int, datetime, bool], Step]] = {
            Kept.DATA: self._data,
            Kept.SCHEDULED_DATA: self._scheduled_data,
            Kept.VISITS: self._visits,
            Kept.PROOFS: self._proofs,
        }

    def step(self, kind: Kept, after: int, before: datetime, *, dry_run: bool) -> Step:
        """Take what of a kind is from before a time, or only count it."""
        if kind in _DELETED:
            return self._old_rows(*_DELETED[kind], after, before, dry_run)
        return self._steps[kind](after, before, dry_run)

    def idle(self, after: int, before: datetime) -> tuple[list[int], Step]:
        """Return some recipients who have not been in contact."""
        looked_at = self._numbers(select(Recipient.id), Recipient.id, after)
        if not looked_at:
            return [], Step(0, after, 0, more=False)
        last = looked_at[-1]
        query = select(Recipient.id).where(Recipient.id > after, Recipient.id <= last, *_no_contact(before))
        found = list(self._connection.scalars(query.order_by(Recipient.id)))
        return found, Step(len(found), last, last, more=True)

    def still_idle(self, number: int, before: datetime) -> bool:
        """Whether a recipient has not been in contact since."""
        query = select(Recipient.id).where(Recipient.id == number, *_no_contact(before))
        return self._connection.scalar(query) is not None

    def last_run(self) -> RetentionRun | None:
        """Return what the last run did."""
        return last_run(self._connection)

    def add_run(self, run: RetentionRun) -> None:
        """Keep what a run did."""
        self._connection.execute(
            insert(RunRow), {"at": run.at, "counts": dict(run.counts), "marks": dict(run.marks)}
        )

    def _old_rows(self, number: Any, age: Any, after: int, before: datetime, dry_run: bool) -> Step:  # noqa: ANN401, FBT001
        rows = self._connection.execute(
            select(number.label("number"), age.label("at"))
            .where(number > after)
            .order_by(number)
            .limit(_AT_ONCE)
        ).all()
        old = [row.number for row in rows if row.at < before]
        if old and not dry_run:
            self._connection.execute(delete(number.class_).where(number.in_(old)))
        return Step(len(old), old[-1] if old else after, 0, more=len(old) == _AT_ONCE)

    def _data(self, after: int, before: datetime, dry_run: bool) -> Step:  # noqa: FBT001
        """Empty the data of notifications that are through; the mark stays before the first that is not."""
        rows = self._connection.execute(
            select(Notification.id, Notification.created_at, Notification.send_at, _OPEN.label("open"))
            .where(Notification.id > after)
            .order_by(Notification.id)
            .limit(_AT_ONCE)
        ).all()
        old = _up_to(rows, before)
        here = [row for row in old if row.send_at is None]
        done = [row.id for row in here if not row.open]
        last = old[-1].id if old else after
        waiting = next((row.id - 1 for row in here if row.open), last)
        count = self._empty(Notification.id.in_(done), dry_run=dry_run) if done else 0
        return Step(count, last, waiting, more=len(old) == _AT_ONCE)

    def _scheduled_data(self, after: int, before: datetime, dry_run: bool) -> Step:  # noqa: FBT001
        old = (Notification.send_at < before, Notification.data_sealed != FORGOTTEN, ~_OPEN)
        query = select(Notification.id).where(Notification.id > after, *old)
        if dry_run:
            return Step(len(self._connection.scalars(query).all()), after, 0, more=False)
        # Not by number: the index is on the time.
        numbers = list(self._connection.scalars(query.order_by(Notification.send_at).limit(_AT_ONCE)))
        count = self._empty(Notification.id.in_(numbers), dry_run=False) if numbers else 0
        return Step(count, after, 0, more=len(numbers) == _AT_ONCE)

    def _empty(self, which: ColumnElement[bool], *, dry_run: bool) -> int:
        full = and_(which, Notification.data_sealed != FORGOTTEN)
        if dry_run:
            return len(self._connection.scalars(select(Notification.id).where(full)).all())
        emptied = update(Notification).where(full).values(data_sealed=FORGOTTEN).returning(Notification.id)
        return len(self._connection.scalars(emptied).all())

    def _visits(self, after: int, before: datetime, dry_run: bool) -> Step:  # noqa: FBT001
        """Take IP addresses and browsers off proofs."""
        rows = self._connection.execute(
            select(ConsentProof.__table__)
            .where(ConsentProof.consent_id > after)
            .order_by(ConsentProof.consent_id)
            .limit(_AT_ONCE)
            .with_for_update()
        ).all()
        old = _up_to(rows, before)
        count = 0
        for row in old:
            rest = self._without_visit(row.proof_sealed)
            if rest is None:
                continue
            count += 1
            if not dry_run:
                mine = update(ConsentProof).where(ConsentProof.consent_id == row.consent_id)
                self._connection.execute(mine.values(proof_sealed=self._vault.seal(PROOF_FIELD, rest)))
        last = old[-1].consent_id if old else after
        return Step(count, last, last, more=len(old) == _AT_ONCE)

    def _without_visit(self, sealed: bytes) -> str | None:
        """Return what is to be kept of a proof; None where that is all of it, or no key opens it."""
        try:
            text = self._vault.open(PROOF_FIELD, sealed)
        except VaultError:
            return None
        rest = proofs.without_visit(text)
        return rest if rest != text else None

    def _proofs(self, after: int, before: datetime, dry_run: bool) -> Step:  # noqa: FBT001
        """Delete proofs of choices that another has replaced before that time."""
        rows = self._connection.execute(
            select(ConsentProof.consent_id, ConsentProof.created_at)
            .where(ConsentProof.consent_id > after)
            .order_by(ConsentProof.consent_id)
            .limit(_AT_ONCE)
        ).all()
        old = [row.consent_id for row in _up_to(rows, before)]
        if not old:
            return Step(0, after, 0, more=False)
        replaced = list(self._connection.scalars(_replaced(old, before)))
        if replaced and not dry_run:
            self._connection.execute(delete(ConsentProof).where(ConsentProof.consent_id.in_(replaced)))
        return Step(len(replaced), old[-1], old[-1], more=len(old) == _AT_ONCE)

    def _numbers(self, query: Select[Any], number: Any, after: int) -> list[int]:  # noqa: ANN401
        return list(self._connection.scalars(query.where(number > after).order_by(number).limit(_AT_ONCE)))


def last_run(connection: Connection) -> RetentionRun | None:
    """Return what the last run of retention did."""
    row = connection.execute(select(RunRow.__table__).order_by(RunRow.id.desc()).limit(1)).first()
    return RetentionRun(row.at, row.counts, row.marks) if row else None


def _up_to(rows: Sequence[Any], before: datetime) -> Sequence[Any]:
    """Return rows up to the first that is not that old: later numbers are younger, but for seconds."""
    young = next((place for place, row in enumerate(rows) if row.created_at >= before), len(rows))
    return rows[:young]


def _no_contact(before: datetime) -> tuple[ColumnElement[bool], ...]:
    """Return what holds of somebody who has not been in contact since."""
    since = Recipient.customer_since
    return (
        Recipient.created_at < before,
        Recipient.updated_at < before,
        or_(since.is_(None), since < before.date()),
        ~exists().where(Notification.recipient_id == Recipient.id, Notification.created_at >= before),
        ~exists().where(
            ConsentRecord.recipient_id == Recipient.id,
            ConsentRecord.at >= before,
            ConsentRecord.way != PAUSE_END,  # nobody did that
        ),
    )


def _replaced(numbers: Sequence[int], before: datetime) -> Select[int]:
    """Select those entries after which the same person made another choice of the same, before a time.

    What bars an address, or ends that, replaces no choice: after a pause, messages rest on the same opt-in.
    """
    later = aliased(ConsentRecord)
    same = and_(
        later.recipient_id == ConsentRecord.recipient_id,
        later.topic.is_not_distinct_from(ConsentRecord.topic),
        later.channel.is_not_distinct_from(ConsentRecord.channel),
        later.id > ConsentRecord.id,
        later.at < before,
        or_(later.way.not_in(BARRING_WAYS), ConsentRecord.way.in_(BARRING_WAYS)),
    )
    return select(ConsentRecord.id).where(ConsentRecord.id.in_(numbers), exists().where(same))
