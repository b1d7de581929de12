"""Import recipients from a stream of rows, in batches; one bad row never fails the rest."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Final, TypeVar

from notify.domain.catalogue import Catalogue
from notify.domain.confirmations import pending_in
from notify.domain.delivery import StoredRecipient
from notify.domain.errors import ConflictError, UnavailableError
from notify.domain.imports import Barred, BarredFor, ImportedRow, ImportReport, RecordedChoice, RefusedRow
from notify.domain.ledger import COMPLAINT, SHOP, STOP, SUPPRESSED, Change, LedgerEntry, Left
from notify.domain.requests import Proof
from notify.ports import Clock, Contacts
from notify.store import Store, Transaction
from notify.store.imports import Newcomer
from notify.usecases.preferences.holding import holders_of
from notify.usecases.preferences.recording_choices import (
    Occasion,
    addresses_on,
    differs,
    record_acceptances,
)
from notify.usecases.preferences.recording_stops import Stop, record_stops
from notify.usecases.recipients.checking_rows import Person, RowCheck

BATCH: Final = 2_000
"""Rows read, checked and committed together."""

CHOICES_BATCH: Final = 250
"""People with choices, committed together: meanwhile nothing leaves, for opt-outs hold the gates off."""

_TRIES: Final = 10
_WAYS: Final = {BarredFor.STOP: STOP, BarredFor.COMPLAINT: COMPLAINT, BarredFor.MANUAL: SUPPRESSED}
"""What the person had asked for, and so stands on the ledger; by which way. A bounce proves a fact."""

Rows = Iterable[ImportedRow | RefusedRow]
People = Mapping[str, Person]
T = TypeVar("T")


class ImportRecipients:
    """Merges recipients, their acceptances, choices and suppressions into what is stored.

    It never takes an opt-out or a suppression back: a row that would only adds what does not.
    """

    def __init__(self, store: Store, contacts: Contacts, catalogue: Catalogue, clock: Clock) -> None:
        self._store = store
        self._check = RowCheck(contacts, catalogue, store)
        self._catalogue = catalogue
        self._clock = clock

    def __call__(self, rows: Rows) -> ImportReport:
        """Import; what `rows` raises ends it, and what was committed by then stays.

        A second thread writes a batch while the next one is read and checked. UnavailableError.
        """
        report = ImportReport()
        pending: Future[None] | None = None
        with ThreadPoolExecutor(1, "import") as writer:
            for batch in _batches(iter(rows), BATCH):
                now = self._clock()
                rounds, refused = self._check([row for row in batch if isinstance(row, ImportedRow)], now)
                refused += [row for row in batch if isinstance(row, RefusedRow)]
                for row in sorted(refused, key=lambda one: one.line):
                    report.refuse(row)
                if pending:
                    pending.result()
                pending = writer.submit(self._write_all, rounds, now)
                report.accepted += len(batch) - len(refused)
            if pending:
                pending.result()
        return report

    def _write_all(self, rounds: Sequence[People], now: datetime) -> None:
        for people in rounds:
            self._write(people, now)

    def _write(self, people: People, now: datetime) -> None:
        plain = {one: person for one, person in people.items() if not person.chooses}
        if plain:
            self._commit(lambda tx: _merge(tx, plain, now))
        choosing = ((one, person) for one, person in people.items() if person.chooses)
        for some in _batches(choosing, CHOICES_BATCH):
            self._commit(partial(self._write_choices, some=some, now=now))

    def _commit(self, write: Callable[[Transaction], object]) -> None:
        """Write in one transaction; anew if somebody was made meanwhile, to lock them in order with all."""
        for _ in range(_TRIES):
            try:
                with self._store.write() as tx:
                    write(tx)
            except ConflictError:
                continue
            return
        raise UnavailableError("others make the same recipients again and again")

    def _write_choices(self, tx: Transaction, some: Sequence[tuple[str, Person]], now: datetime) -> None:
        tx.imports.lock_out_all_gates()
        stored = _merge(tx, dict(some), now)
        both = [(stored[one], person) for one, person in some]
        self._choose(tx, both, now)
        self._suppress(tx, both, now)

    def _choose(
        self, tx: Transaction, people: Sequence[tuple[StoredRecipient, Person]], now: datetime
    ) -> None:
        """Put choices that change something on the ledger, and store them."""
        changes = list(self._changes(tx, people, now))
        changed = {(recipient.id, one.topic, one.channel) for recipient, one, _ in changes}
        again = [
            Left(recipient.id, topic, channel, addresses_on(recipient, channel))
            for recipient, person in people
            for (topic, channel), (subscribed, _) in person.choices.items()
            if not subscribed and (recipient.id, topic, channel) not in changed
        ]
        tx.consents.void_undos(again)
        numbers = tx.consents.append(
            [
                LedgerEntry(
                    recipient_id=recipient.id,
                    at=now,
                    subscribed=change.subscribed,
                    way=SHOP,
                    topic=change.topic,
                    channel=change.channel,
                    proof=proof,
                )
                for recipient, change, proof in changes
            ]
        )
        tx.imports.record(
            [
                RecordedChoice(recipient, change, number)
                for (recipient, change, _), number in zip(changes, numbers, strict=True)
            ],
            now,
        )

    def _suppress(
        self, tx: Transaction, people: Sequence[tuple[StoredRecipient, Person]], now: datetime
    ) -> None:
        """Bar addresses, and put on the ledger what stops by what people had asked the old tool for."""
        suppressed = [
            Barred(recipient, channel, reason)
            for recipient, person in people
            for channel, reason in person.suppressed.items()
        ]
        if not suppressed:
            return
        stops = [
            Stop(one.channel, one.recipient.hashes[one.channel], one.scope, Occasion(now, way, Proof(SHOP)))
            for one in suppressed
            if (way := _WAYS.get(one.reason)) and one.channel in one.recipient.hashes
        ]
        addresses = {(stop.channel, stop.address_hash) for stop in stops}
        record_stops(tx, self._catalogue, stops, holders_of(tx, addresses))
        tx.imports.suppress(suppressed, now)

    def _changes(
        self, tx: Transaction, people: Sequence[tuple[StoredRecipient, Person]], now: datetime
    ) -> Iterator[tuple[StoredRecipient, Change, Proof | None]]:
        wanted = [
            (recipient, topic, channel, subscribed, proof)
            for recipient, person in people
            for (topic, channel), (subscribed, proof) in person.choices.items()
        ]
        left = {
            (topic, channel, recipient.hashes.get(channel))
            for recipient, topic, channel, subscribed, _ in wanted
            if not subscribed
        }
        standings = tx.consents.standings(
            [(recipient, topic, channel) for recipient, topic, channel, *_ in wanted]
        )
        hashes = {value for recipient, *_ in wanted for value in recipient.hashes.values()}
        waiting = tx.confirmations.waiting({recipient.id for recipient, *_ in wanted}, now, at=hashes)
        asked = {
            (key, *both)
            for one in waiting
            for both in pending_in([one])
            for key in (one.recipient_id, one.address_hash)
        }
        for (recipient, number, channel, subscribed, proof), standing in zip(wanted, standings, strict=True):
            topic = self._catalogue.numbered(number)
            address = recipient.hashes.get(channel)
            gone = standing.chosen is False or (address and (number, channel, address) in left)
            if topic is None or (subscribed and gone):
                continue
            keys = (recipient.id, address)
            pending = any((key, number, channel) in asked for key in keys)
            proven = proof is not None
            if not differs(topic, standing, subscribed=subscribed, proven=proven, pending=pending):
                continue
            yield recipient, Change(number, channel, subscribed, standing.chosen), proof


def _merge(tx: Transaction, people: People, now: datetime) -> dict[str, StoredRecipient]:
    """Store profiles, and the acceptances of the privacy policy."""
    newcomers = {
        one: Newcomer(person.patch, person.phone_country, person.acceptances)
        for one, person in people.items()
    }
    added = tx.imports.add(newcomers, now)
    known = {one: person for one, person in people.items() if one not in added}
    if not known:
        return added
    given = {one: (person.patch, person.phone_country) for one, person in known.items()}
    stored = tx.recipients.upsert(given, now)
    accepted = [
        (stored[one], acceptance) for one, person in known.items() for acceptance in person.acceptances
    ]
    return added | stored | {one.external_id: one for one in record_acceptances(tx, accepted, now)}


def _batches(items: Iterator[T], size: int) -> Iterator[list[T]]:
    while batch := list(islice(items, size)):
        yield batch
