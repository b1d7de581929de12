"""The chain over the ledger: batches of entries, each closed by a MAC that takes in the one before."""

import json
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

Mac = Callable[[str, bytes], bytes]
"""Returns 32 bytes for a purpose and data: `ports.Vault.mac`."""

ENTRY: Final = "ledger entry"
SEAL: Final = "ledger seal"
BEFORE_THE_FIRST: Final = bytes(32)
"""What the first seal has for the MAC of the one before."""

_ENTRY_MAC_BYTES: Final = 16
_ITEM: Final = struct.Struct(f">Q{_ENTRY_MAC_BYTES}s")
_JSON: Final = json.JSONEncoder(separators=(",", ":")).encode
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Recorded(NamedTuple):
    """One entry with all its columns, as the database has it."""

    number: int
    recipient_id: int
    at: datetime
    topic: int | None
    channel: str | None
    subscribed: bool
    way: str
    locale: str | None
    policy_version: str | None
    message_id: int | None
    proof_hash: bytes | None


@dataclass(frozen=True, slots=True)
class Seal:
    """One link: `entries` holds a number of 8 bytes and a MAC of 16 for each, in order of the numbers."""

    number: int
    at: datetime
    first_entry: int
    last_entry: int
    entries: bytes
    previous: bytes
    mac: bytes

    @property
    def head(self) -> str:
        """The chain's head as people note it down, if this is its last link."""
        return f"{self.number}:{self.mac.hex()}"

    def __len__(self) -> int:
        """How many entries it holds."""
        return len(self.entries) // _ITEM.size

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """Each entry's number and MAC."""
        whole = len(self) * _ITEM.size
        return _ITEM.iter_unpack(memoryview(self.entries)[:whole])


class Link(NamedTuple):
    """What the next seal needs of the one before."""

    number: int = 0
    last_entry: int = 0
    mac: bytes = BEFORE_THE_FIRST


@dataclass(frozen=True, slots=True)
class Horizon:
    """The highest number an entry can have so far, and the transactions that may still add lower ones."""

    last: int
    writers: frozenset[str]


def entry_mac(entry: Recorded, mac: Mac) -> bytes:
    """Return the MAC of an entry: over a JSON array of its columns, in the order of `Recorded`.

    Times are microseconds since 1970, the hash of the proof is in hexadecimal; no blanks, ASCII only.
    """
    number, recipient, at, topic, channel, subscribed, way, locale, version, message, proof = entry
    # Written by hand, which takes a third of the encoder's time: there are a million after an import.
    array = (
        f"[{number},{recipient},{_microseconds(at)},{_number(topic)},{_word(channel)},"
        f"{'true' if subscribed else 'false'},{_word(way)},{_word(locale)},{_word(version)},"
        f"{_number(message)},{_hex(proof)}]"
    )
    return mac(ENTRY, array.encode())[:_ENTRY_MAC_BYTES]


def seal_mac(seal: Seal, mac: Mac) -> bytes:
    """Return the MAC that a seal should have: over a JSON array of its columns, a line feed, `entries`."""
    columns = [
        seal.number,
        _microseconds(seal.at),
        seal.first_entry,
        seal.last_entry,
        seal.previous.hex(),
    ]
    return mac(SEAL, _JSON(columns).encode() + b"\n" + seal.entries)


def next_seal(before: Link, entries: Sequence[Recorded], at: datetime, mac: Mac) -> Seal:
    """Close entries, which are in order of their numbers, as the next link of the chain."""
    packed = b"".join(_ITEM.pack(entry.number, entry_mac(entry, mac)) for entry in entries)
    first, last = entries[0].number, entries[-1].number
    open_ended = Seal(before.number + 1, at, first, last, packed, before.mac, b"")
    return Seal(open_ended.number, at, first, last, packed, before.mac, seal_mac(open_ended, mac))


def _number(value: int | None) -> str:
    return "null" if value is None else str(value)


@lru_cache(1024)
def _word(text: str | None) -> str:
    """Write a word or its absence; few differ."""
    return _JSON(text)


def _hex(value: bytes | None) -> str:
    return f'"{value.hex()}"' if value else "null"


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND
