"""Tells addresses of wallets that are written in base58, by the checksum that each kind has.

base58check (Bitcoin, Litecoin, Dogecoin, Dash, Tron, Zcash, Tezos …), in XRP's alphabet too; SS58 (Polkadot,
Kusama and kin); Cardano's of before Shelley. Monero's hash is none of Python's: its addresses are told by
their form. Solana's have neither: see `is_bare_key`.
"""

import re
from collections.abc import Iterator
from hashlib import blake2b, sha256
from typing import Final
from zlib import crc32

_BITCOIN: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_XRP: Final = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
_VALUES: Final = {
    alphabet: {sign: value for value, sign in enumerate(alphabet)} for alphabet in (_BITCOIN, _XRP)
}
_SIGNS: Final = re.compile(rf"[{_BITCOIN}]{{25,108}}")
_XRP_FIRST: Final = frozenset("rXT")

_CHECKED_BYTES: Final = frozenset({25, 26, 27})
"""A version of one to three bytes, a hash of twenty, and the checksum."""
_TAGGED_BYTES: Final = frozenset({35})
"""XRP's with a destination tag: a version of two bytes, a hash of twenty, a flag and eight bytes."""
_CHECKSUM_BYTES: Final = 4

_SS58_SALT: Final = b"SS58PRE"
_SS58_CHECKSUM_BYTES: Final = 2
_SS58_BYTES: Final = {35: range(64), 36: range(64, 128)}
"""By length, the first bytes of networks: of one byte, of two; then a key of 32 bytes and the checksum."""

_BYRON: Final = b"\x82\xd8\x18\x58"
"""CBOR of two: bytes that hold CBOR, and their CRC-32."""
_BYRON_CRC: Final = b"\x1a"

_MONERO: Final = re.compile(rf"[48][{_BITCOIN}]{{94}}(?:[{_BITCOIN}]{{11}})?")
_MONERO_NETWORKS: Final = {95: (18, 42), 106: (19,)}
"""First bytes by length: of accounts and their subaddresses; with a payment id."""
_MONERO_SIGNS: Final = 11  # of a block of eight bytes; the last one's five bytes are seven signs

_BARE: Final = re.compile(rf"[{_BITCOIN}]{{32,44}}")
_BARE_BYTES: Final = 32


def is_base58_address(token: str) -> bool:
    """Whether a token is one, as far as its kind can be told."""
    if not _SIGNS.fullmatch(token):
        return False
    raw = _decoded(token, _BITCOIN)
    if len(raw) in _CHECKED_BYTES and _is_checked(raw):
        return True
    if token[0] in _XRP_FIRST and _is_of_xrp(token):
        return True
    return _is_ss58(raw) or _is_byron(raw) or _is_monero(token)


def is_bare_key(token: str) -> bool:
    """Whether a token is 32 bytes, as Solana's addresses are, and of no other account's form.

    So is one in twenty of 43 random letters and digits: by itself that proves nothing.
    """
    return _BARE.fullmatch(token) is not None and len(_decoded(token, _BITCOIN)) == _BARE_BYTES


def _number(signs: str, values: dict[str, int]) -> int:
    number = 0
    for sign in signs:
        number = number * 58 + values[sign]
    return number


def _decoded(token: str, alphabet: str) -> bytes:
    """Return the bytes; each leading sign of the value 0 stands for a byte of that value."""
    number = _number(token, _VALUES[alphabet])
    zeros = len(token) - len(token.lstrip(alphabet[0]))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8)


def _is_checked(raw: bytes) -> bool:
    body, checksum = raw[:-_CHECKSUM_BYTES], raw[-_CHECKSUM_BYTES:]
    return sha256(sha256(body).digest()).digest()[:_CHECKSUM_BYTES] == checksum


def _is_of_xrp(token: str) -> bool:
    raw = _decoded(token, _XRP)
    return len(raw) in _CHECKED_BYTES | _TAGGED_BYTES and _is_checked(raw)


def _is_ss58(raw: bytes) -> bool:
    if raw[0] not in _SS58_BYTES.get(len(raw), ()):
        return False
    body, checksum = raw[:-_SS58_CHECKSUM_BYTES], raw[-_SS58_CHECKSUM_BYTES:]
    return blake2b(_SS58_SALT + body).digest()[:_SS58_CHECKSUM_BYTES] == checksum


def _is_byron(raw: bytes) -> bool:
    if not raw.startswith(_BYRON):
        return False
    start = len(_BYRON) + 1
    end = start + raw[start - 1]
    return raw[end:] == _BYRON_CRC + crc32(raw[start:end]).to_bytes(4)


def _is_monero(token: str) -> bool:
    """Whether each block of signs is one of bytes, and the first byte that of a network."""
    if not _MONERO.fullmatch(token):
        return False
    *blocks, last = _blocks(token)
    numbers = [_number(block, _VALUES[_BITCOIN]) for block in blocks]
    fits = max(numbers) < 2**64 and _number(last, _VALUES[_BITCOIN]) < 2**40
    return fits and numbers[0] >> 56 in _MONERO_NETWORKS[len(token)]


def _blocks(token: str) -> Iterator[str]:
    return (token[at : at + _MONERO_SIGNS] for at in range(0, len(token), _MONERO_SIGNS))
