"""The journal of opt-outs that is kept outside the database: its lines, and what they come to.

It holds ids, dates and keyed hashes in hexadecimal; nothing personal. Lines may be there twice, and those of
the ledger may stand out of order: its numbers say which came last.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from notify.domain.catalogue import Channel
from notify.domain.consent import Scope
from notify.domain.ledger import BARRING_WAYS, SealedEntry
from notify.domain.times import rfc3339, rfc3339_or_none

CHOICE: Final = "choice"
BARRED: Final = "barred"
LIFTED: Final = "lifted"
ERASED: Final = "erased"
NUMBERS: Final = "numbers"
SEAL: Final = "seal"
RESTORED: Final = "restored"

RESTORED_WAY: Final = "restored"
"""The way of ledger entries that put back what a restored database had forgotten."""

MARGIN: Final = 1_000_000
"""How far beyond the highest number in the journal numbers go on after a restore.

The journal may be some seconds behind the database; nobody gives out so many in that time.
"""

Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class JournalRow:
    """A line that waits in the database to be written."""

    number: int
    line: str


@dataclass(frozen=True, slots=True)
class LedgerHead:
    """The newest seal of the ledger."""

    number: int
    last_entry: int
    mac: bytes


def choice_line(entry: SealedEntry, hashes: Iterable[bytes]) -> Line:
    """Return the line of an entry; `hashes` are the addresses that it barred or readmitted."""
    return {
        "kind": CHOICE,
        "entry": entry.number,
        "at": rfc3339(entry.at),
        "recipient": entry.recipient_id,
        "topic": entry.topic,
        "channel": entry.channel,
        "subscribed": entry.subscribed,
        "way": entry.way,
        "message": entry.message_id,
        "hashes": sorted(value.hex() for value in hashes),
    }


def sets_a_preference(entry: SealedEntry) -> bool:
    """Whether an entry belongs into the journal: what suppressions stop has lines of its own."""
    return entry.topic is not None and entry.channel is not None and entry.way not in BARRING_WAYS


def barred_line(
    channel: Channel, address_hash: bytes, reason: str, *, scope: Scope, at: datetime, until: datetime | None
) -> Line:
    """Return the line of an address that was barred."""
    who = {"channel": channel, "hash": address_hash.hex(), "reason": reason}
    return {"kind": BARRED, **who, "scope": scope, "at": rfc3339(at), "until": rfc3339_or_none(until)}


def lifted_line(channel: Channel, address_hash: bytes, reason: str) -> Line:
    """Return the line of an address that is not barred for this reason any more."""
    return {"kind": LIFTED, "channel": channel, "hash": address_hash.hex(), "reason": reason}


def erased_line(recipient_id: int, hashes: Iterable[tuple[Channel, bytes]], at: datetime) -> Line:
    """Return the line of somebody who was erased, with all addresses that were known of them."""
    by_channel: dict[str, list[str]] = {}
    for channel, value in sorted(hashes):
        by_channel.setdefault(channel, []).append(value.hex())
    return {"kind": ERASED, "at": rfc3339(at), "recipient": recipient_id, "hashes": by_channel}


def numbers_line(numbers: Mapping[str, int], now: datetime) -> Line:
    """Return the line that says how far numbers were given out, by table."""
    return {"kind": NUMBERS, "at": rfc3339(now), **dict(sorted(numbers.items()))}


def seal_line(head: LedgerHead) -> Line:
    """Return the line of the newest seal."""
    return {"kind": SEAL, "seal": head.number, "entry": head.last_entry, "mac": head.mac.hex()}


def restored_line(head: LedgerHead | None, now: datetime) -> Line:
    """Return the line that says what the ledger of a restored database ends with: later seals are lost."""
    return {"kind": RESTORED, "at": rfc3339(now), "seal": head.number if head else 0}


def written(line: Line) -> str:
    """Write a line down, without its end."""
    return json.dumps(line, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class LastWord:
    """The last word of somebody, or of an address, on a topic and channel."""

    entry: int
    at: datetime
    recipient: int
    topic: int
    channel: Channel
    subscribed: bool
    message: int | None
    hashes: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class BarredAddress:
    """What bars an address; `until` is None where it has no end."""

    channel: Channel
    address_hash: bytes
    reason: str
    scope: Scope
    at: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class ErasedPerson:
    """Somebody who was erased, and the addresses that are barred for it."""

    recipient: int
    at: datetime
    hashes: tuple[tuple[Channel, bytes], ...]


@dataclass(slots=True)
class JournalState:
    """What the lines of a journal come to."""

    persons: dict[tuple[int, int, str], LastWord] = field(default_factory=dict)
    addresses: dict[tuple[bytes, int, str], LastWord] = field(default_factory=dict)
    bars: dict[tuple[str, str, str], BarredAddress] = field(default_factory=dict)
    erased: dict[int, ErasedPerson] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    seals: dict[int, str] = field(default_factory=dict)
    lines: int = 0
    unreadable: int = 0
    _seen: set[tuple[int, str]] = field(default_factory=set)

    def read(self, texts: Iterable[str]) -> None:
        """Take in the lines of a journal, oldest first. A line that was torn off is counted and left out."""
        for text in texts:
            if not text.strip():
                continue
            self.lines += 1
            try:
                self._take(json.loads(text), text)
            except (ValueError, LookupError, TypeError, AttributeError):
                self.unreadable += 1

    def last_opt_outs(self) -> list[LastWord]:
        """Return the opt-outs that are the last word of a person or of an address, in their order."""
        last = [*self.persons.values(), *self.addresses.values()]
        return [one for _, one in sorted({one.entry: one for one in last}.items()) if not one.subscribed]

    def still_out(self, choice: LastWord) -> list[bytes]:
        """Return the addresses whose last word an opt-out is."""
        key = (choice.topic, choice.channel)
        return [value for value in sorted(choice.hashes) if self.addresses[value, *key].entry == choice.entry]

    def _take(self, line: Line, text: str) -> None:
        kind = line["kind"]
        if kind == CHOICE:
            self._choose(line)
        elif kind in {BARRED, LIFTED}:
            self._bar(line, text)
        elif kind == ERASED:
            self._erase(line)
        elif kind == NUMBERS:
            for name, value in line.items():
                if isinstance(value, int):
                    self.numbers[name] = max(value, self.numbers.get(name, 0))
        elif kind == SEAL:
            self.seals[line["seal"]] = line["mac"]
        elif kind == RESTORED:
            self.seals = {number: mac for number, mac in self.seals.items() if number <= line["seal"]}

    def _choose(self, line: Line) -> None:
        choice = LastWord(
            entry=line["entry"],
            at=_time(line["at"]),
            recipient=line["recipient"],
            topic=line["topic"],
            channel=Channel(line["channel"]),
            subscribed=line["subscribed"],
            message=line["message"],
            hashes=frozenset(bytes.fromhex(one) for one in line["hashes"]),
        )
        self._note("consent_records", choice.entry)
        self._note("recipients", choice.recipient)
        self._note("messages", choice.message or 0)
        what = (choice.topic, choice.channel)
        person = self.persons.get((choice.recipient, *what))
        if person is None or person.entry <= choice.entry:
            self.persons[choice.recipient, *what] = choice
        for value in choice.hashes:
            address = self.addresses.get((value, *what))
            if address is None or address.entry <= choice.entry:
                self.addresses[value, *what] = choice

    def _bar(self, line: Line, text: str) -> None:
        """Take in what was barred or lifted, each line of the database once."""
        if (number := line.get("line")) is not None:
            if (number, text) in self._seen:
                return
            self._seen.add((number, text))
        key = (line["hash"], line["channel"], line["reason"])
        if line["kind"] == LIFTED:
            self.bars.pop(key, None)
            return
        wider = (before := self.bars.get(key)) is not None and before.scope is Scope.ALL
        self.bars[key] = BarredAddress(
            Channel(line["channel"]),
            bytes.fromhex(line["hash"]),
            line["reason"],
            Scope.ALL if wider else Scope(line["scope"]),
            _time(line["at"]),
            _time(line["until"]) if line["until"] else None,
        )

    def _erase(self, line: Line) -> None:
        hashes = tuple(
            (Channel(channel), bytes.fromhex(value))
            for channel, values in sorted(line["hashes"].items())
            for value in values
        )
        self.erased[line["recipient"]] = ErasedPerson(line["recipient"], _time(line["at"]), hashes)
        self._note("recipients", line["recipient"])

    def _note(self, table: str, number: int) -> None:
        self.numbers[table] = max(number, self.numbers.get(table, 0))


def last_head(texts: Iterable[str]) -> str | None:
    """Return the newest head of the ledger's chain in a journal, as `Seal.head` has it."""
    state = JournalState()
    state.read(text for text in texts if '"seal"' in text)
    newest = max(state.seals, default=None)
    return f"{newest}:{state.seals[newest]}" if newest is not None else None


def number_after(highest: int) -> int:
    """Return the number after which a restored database goes on."""
    return highest + MARGIN


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
