"""Put back what a restored database has forgotten: opt-outs, suppressions and erasures, from the journal."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final, TypeVar

from notify.domain import ledger, suppressions
from notify.domain.addresses import masked
from notify.domain.campaigns import NOBODY
from notify.domain.catalogue import Catalogue
from notify.domain.consent import Scope
from notify.domain.delivery import StoredRecipient
from notify.domain.journal import (
    RESTORED_WAY,
    BarredAddress,
    ErasedPerson,
    JournalState,
    LastWord,
    number_after,
    restored_line,
)
from notify.domain.ledger import Change, LedgerEntry
from notify.domain.requests import Proof
from notify.ports import Clock
from notify.store import Store, Transaction
from notify.usecases.preferences.recording_bars import coming, record_difference
from notify.usecases.preferences.recording_choices import Occasion

_STEP: Final = 200
_SOURCE: Final = "restore-optouts"
_TOLD: Final = {suppressions.STOP: ledger.STOP, suppressions.PAUSE: ledger.PAUSE}
"""Reasons that are a person's choice, and so stand on the ledger; by which way."""

T = TypeVar("T")


@dataclass(slots=True)
class Restored:
    """What was put back, or would be: persons erased again, addresses barred again, and opt-outs."""

    erased: int = 0
    barred: int = 0
    opted_out: int = 0
    lines: int = 0
    unreadable: int = 0


class RestoreOptOuts:
    """Holds a journal against the database. It never opts anybody in; harmless to repeat."""

    def __init__(self, store: Store, catalogue: Catalogue, clock: Clock) -> None:
        self._store = store
        self._catalogue = catalogue
        self._clock = clock

    def __call__(self, lines: Iterable[str], *, dry_run: bool = False) -> Restored:
        """Put back what is missing, in small transactions; `lines` are those of the journal, oldest first.

        Run it before anything else uses the restored database: numbers that were given out after the backup
        stand in links, and must not be given out again.
        """
        state = JournalState()
        state.read(lines)
        done = Restored(lines=state.lines, unreadable=state.unreadable)
        if not dry_run:
            self._move_numbers(state)
        for bars in _steps(state.bars.values()):
            done.barred += self._bar(bars, dry_run=dry_run)
        for person in state.erased.values():
            done.erased += self._erase(person, dry_run=dry_run)
        for choices in _steps(state.last_opt_outs()):
            done.opted_out += self._opt_out(choices, state, dry_run=dry_run)
        return done

    def _move_numbers(self, state: JournalState) -> None:
        """Have numbers go on after all that were given out; not again in a database that has gone on."""
        with self._store.write() as tx:
            known = tx.journal.numbers()
            if any(last > known.get(name, 0) for name, last in state.numbers.items()):
                tx.journal.move_numbers({name: number_after(last) for name, last in state.numbers.items()})
                tx.journal.add([restored_line(tx.journal.head(), self._clock())])

    def _erase(self, person: ErasedPerson, *, dry_run: bool) -> int:
        """Erase who is there again; not who got the number after that."""
        now = self._clock()
        with self._store.write() as tx:
            made_at = tx.restoring.made_at([person.recipient]).get(person.recipient)
            recipient = tx.recipients.by_numbers([person.recipient]).get(person.recipient)
            there = recipient is not None and made_at is not None and made_at <= person.at
            if dry_run:
                return int(there)
            if there and recipient is not None:
                tx.consents.lock_out_gates([recipient.id], recipient.hashes.values())
                locked = tx.recipients.by_external_id(recipient.external_id, lock=True)
                if locked is not None and locked.id == person.recipient:
                    tx.erasure.erase(locked, now)
            tx.restoring.remember_erased(person.recipient, person.hashes)
        return int(there)

    def _bar(self, bars: Sequence[BarredAddress], *, dry_run: bool) -> int:
        """Bar addresses again that nothing bars as widely for the same reason."""
        now = self._clock()
        count = 0
        with self._store.write() as tx:
            people = {bar: tx.recipients.having(bar.channel, [bar.address_hash]) for bar in bars}
            if not dry_run:
                numbers = [one.id for found in people.values() for one in found]
                tx.consents.lock_out_gates(numbers, [bar.address_hash for bar in bars])
            for bar in bars:
                over = bar.until is not None and bar.until <= now
                if over or _is_barred(tx, bar):
                    continue
                count += 1
                if not dry_run:
                    self._bar_one(tx, bar, people[bar], now)
        return count

    def _bar_one(
        self, tx: Transaction, bar: BarredAddress, people: Sequence[StoredRecipient], now: datetime
    ) -> None:
        """Bar an address again, and have the ledger tell once more what the person stopped by it."""
        told = {(bar.channel, bar.address_hash): people} if bar.reason in _TOLD else {}
        before = coming(tx, self._catalogue, told)
        address = next((one.profile.address(bar.channel) for one in people), None)
        tx.suppressions.bar(
            bar.channel,
            bar.address_hash,
            bar.scope,
            reason=bar.reason,
            masked=masked(bar.channel, address),
            now=bar.at,
            until=bar.until,
        )
        proof = Proof(source=_SOURCE, obtained_at=bar.at)
        record_difference(
            tx,
            self._catalogue,
            told,
            before,
            lambda one: Occasion(now, _TOLD[bar.reason], proof, one.profile.locale),
        )

    def _opt_out(self, choices: Sequence[LastWord], state: JournalState, *, dry_run: bool) -> int:
        """Stop again what the person or the address had stopped, and the database does not know of."""
        now = self._clock()
        with self._store.write() as tx:
            hashes = {value for one in choices for value in one.hashes}
            if not dry_run:
                tx.consents.lock_out_gates([one.recipient for one in choices], hashes)
            known = _Known(tx, choices, hashes)
            lost = [found for one in choices if (found := known.lost(one, state))]
            if not dry_run:
                for one in lost:
                    _record(tx, one, now)
        return len(lost)


@dataclass(frozen=True, slots=True)
class _Lost:
    """An opt-out that the database has forgotten: of `recipient`'s preference, of addresses, or of both.

    It is nobody's where the person's own last word is another by now, and an address's is not.
    """

    choice: LastWord
    recipient: int
    preference: bool
    addresses: Sequence[bytes]


class _Known:
    """What the database knows of some choices."""

    def __init__(self, tx: Transaction, choices: Sequence[LastWord], hashes: Collection[bytes]) -> None:
        people = {one.recipient for one in choices}
        self._made_at = tx.restoring.made_at(people)
        self._chosen = tx.restoring.preferences(people)
        self._left = tx.restoring.left(hashes)

    def lost(self, choice: LastWord, state: JournalState) -> _Lost | None:
        """Return what the database has forgotten of it."""
        what = (choice.topic, choice.channel)
        addresses = [value for value in state.still_out(choice) if (value, *what) not in self._left]
        made_at = self._made_at.get(choice.recipient)
        if made_at is None or choice.recipient in state.erased:
            return (
                _Lost(choice, choice.recipient, preference=False, addresses=addresses) if addresses else None
            )
        subscribed, by = self._chosen.get((choice.recipient, *what), (True, 0))
        if made_at > choice.at:  # somebody else's number by now
            return _Lost(choice, NOBODY, preference=False, addresses=addresses) if addresses else None
        if by > choice.entry and subscribed:  # the person came back since the restore
            return None
        last = state.persons[choice.recipient, *what].entry == choice.entry
        missing = last and subscribed
        if not missing and not addresses:
            return None
        if missing or not subscribed:
            return _Lost(choice, choice.recipient, preference=True, addresses=addresses)
        return _Lost(choice, NOBODY, preference=False, addresses=addresses)


def _record(tx: Transaction, lost: _Lost, now: datetime) -> None:
    """Put the opt-out on the ledger, and have it bind the person and the addresses again."""
    choice = lost.choice
    entry = LedgerEntry(
        recipient_id=lost.recipient,
        at=now,
        subscribed=False,
        way=RESTORED_WAY,
        topic=choice.topic,
        channel=choice.channel,
        message_id=choice.message,
        proof=Proof(source=_SOURCE, obtained_at=choice.at),
    )
    if lost.preference:
        change = Change(choice.topic, choice.channel, subscribed=False, before=None)
        tx.consents.record([entry], [change], lost.addresses, None)
        return
    (number,) = tx.consents.append([entry])
    tx.consents.opt_out_addresses(choice.topic, choice.channel, lost.addresses, number, now)


def _is_barred(tx: Transaction, bar: BarredAddress) -> bool:
    """Whether the same reason bars the address already, as widely or as long."""
    found = [one for one in tx.suppressions.of(bar.channel, [bar.address_hash]) if one.reason == bar.reason]
    return any(one.scope in {bar.scope, Scope.ALL} and (one.until is None or bar.until) for one in found)


def _steps(values: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(values)
    while step := list(islice(iterator, _STEP)):
        yield step
