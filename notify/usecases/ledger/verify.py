"""Check all of the ledger: its chain, its entries, their proofs, and what rests on them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from notify.domain.ledger_findings import (
    Finding,
    Wrong,
    check_entries,
    check_link,
    contradicted,
    head_is_gone,
    missing,
    unsealed_for_long,
)
from notify.domain.seals import Link, Seal
from notify.ports import Clock, Vault
from notify.store import Store

UNSEALED_FOR: Final = timedelta(minutes=1)
"""How long an entry may wait for its seal before something is wrong."""

_LOWEST: Final = -(2**63)
"""Below the first entry there is nothing, unless somebody put it there."""

_SEALS_A_PAGE: Final = 20
_ENTRIES_A_PAGE: Final = 2_000
_NAMED_OF_A_KIND: Final = 100


@dataclass(slots=True)
class Verified:
    """What was looked at so far; `head` is that of the chain."""

    seals: int = 0
    entries: int = 0
    unsealed: int = 0
    findings: int = 0
    head: str | None = None


class VerifyLedger:
    """Reads the chain from its start, page by page; changes nothing, and the service may go on meanwhile."""

    def __init__(self, store: Store, vault: Vault, clock: Clock) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock

    def __call__(self, report: Callable[[Finding], None], head: str | None = None) -> Verified:
        """Tell `report` of everything that is wrong; `head` was noted earlier and must be in the chain."""
        verified = Verified()
        for finding in self._findings(verified, head):
            verified.findings += 1
            report(finding)
        return verified

    def _findings(self, verified: Verified, head: str | None) -> Iterator[Finding]:
        before, found_head = Link(), head is None
        for seal in self._seals():
            yield from check_link(before, seal, self._vault.mac)
            yield from self._check(seal, _end_before(before, seal), verified)
            before = Link(seal.number, seal.last_entry, seal.mac)
            found_head = found_head or seal.head == head
            verified.seals += 1
            verified.head = seal.head
        if not found_head:
            yield head_is_gone(head or "")
        yield from self._tail(verified)
        yield from self._elsewhere()

    def _seals(self) -> Iterator[Seal]:
        number = 0
        while True:
            with self._store.read() as tx:
                seals = tx.audit.seals_after(number, _SEALS_A_PAGE)
            if not seals:
                return
            yield from seals
            number = seals[-1].number

    def _check(self, seal: Seal, after: int, verified: Verified) -> Iterator[Finding]:
        """Compare the seal's entries with those that are there, among them any that were put in between."""
        closed = dict(seal)
        while True:
            with self._store.read() as tx:
                found = tx.audit.entries(after, seal.last_entry, _ENTRIES_A_PAGE)
            yield from check_entries(seal, closed, found, self._vault.mac)
            for entry, _ in found:
                closed.pop(entry.number, None)
            verified.entries += len(found)
            if len(found) < _ENTRIES_A_PAGE:
                break
            after = found[-1].entry.number
        for number in closed:
            yield missing(seal, number)

    def _tail(self, verified: Verified) -> Iterator[Finding]:
        with self._store.read() as tx:
            tail = tx.audit.unsealed()
        verified.unsealed = tail.count
        if tail.number and tail.at and self._clock() - tail.at > UNSEALED_FOR:
            yield unsealed_for_long(tail.count, tail.number, tail.at)

    def _elsewhere(self) -> Iterator[Finding]:
        with self._store.read() as tx:
            for found in tx.audit.dangling(_NAMED_OF_A_KIND):
                yield contradicted(Wrong.CUT, found)
            for found in tx.audit.contradictions(_NAMED_OF_A_KIND):
                yield contradicted(Wrong.PREFERENCE, found)


def _end_before(before: Link, seal: Seal) -> int:
    """Return the number after which a seal's entries begin, as far as the one before tells."""
    if seal.number != before.number + 1:
        return seal.first_entry - 1
    return before.last_entry if before.number else _LOWEST
