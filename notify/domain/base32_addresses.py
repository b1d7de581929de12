"""Tells addresses of wallets that are written in one of the many kinds of base32, by their checksums.

bech32 and bech32m under any prefix (Bitcoin, Litecoin, BNB, Cardano, Cosmos, Lightning's invoices …);
CashAddr (Bitcoin Cash, eCash, Kaspa); Stellar's keys; those of Algorand and of Filecoin. Nano's, which no
other word begins like, by their form.
"""

import re
from base64 import b32decode
from binascii import crc_hqx
from collections.abc import Iterable
from hashlib import blake2b, new
from typing import Final

_BECH32: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_VALUES: Final = {sign: value for value, sign in enumerate(_BECH32)}
_BECH32_TOKEN: Final = re.compile(rf"([0-9a-z_]{{1,83}})1([{_BECH32}]{{11,2000}})")
"""Addresses have a hundred signs at most, Lightning's invoices hundreds; no sign behind the last 1 is one."""
_WITNESSES: Final = frozenset({"bc", "tb", "bcrt", "ltc", "tltc", "rltc"})
"""Prefixes of segregated witness, whose addresses may be short: they have rules of their own (BIP 173)."""
_ACCOUNT_SIGNS: Final = 38  # twenty bytes and the checksum: fewer could be a chance hit
_BECH32_CHECKSUM: Final = 6
_BECH32_CONSTANT: Final = 1
_BECH32M_CONSTANT: Final = 0x2BC830A3
_LARGEST_WITNESS: Final = 16
_PROGRAM_LENGTHS: Final = range(2, 41)
_PROGRAM_LENGTHS_V0: Final = (20, 32)

_CASH_TOKEN: Final = re.compile(rf"[{_BECH32}]{{42,112}}")
"""Without the prefix, which is often left out, though it is part of the checksum."""

_STELLAR: Final = re.compile(r"[CGS][A-Z2-7]{55}|M[A-Z2-7]{68}")
_STELLAR_VERSIONS: Final = {"G": 6 << 3, "M": 12 << 3, "S": 18 << 3, "C": 2 << 3}
"""Accounts, those shared by many, secret seeds, contracts (SEP 23)."""
_STELLAR_CHECKSUM_BYTES: Final = 2

_ALGORAND: Final = re.compile(r"[A-Z2-7]{57}[AEIMQUY4]")
_ALGORAND_CHECKSUM_BYTES: Final = 4

_FILECOIN: Final = re.compile(r"[ft](?:([12])([a-z2-7]{39})|(3)([a-z2-7]{84}))")
_FILECOIN_CHECKSUM_BYTES: Final = 4

_NANO: Final = re.compile(r"(?:nano|xrb)_[13][13456789abcdefghijkmnopqrstuwxyz]{59}")


def is_base32_address(token: str) -> bool:
    """Whether a token is one; bech32 may be all in upper case."""
    if _STELLAR.fullmatch(token):
        return _is_stellar(token)
    if _ALGORAND.fullmatch(token):
        return _is_algorand(token)
    if not (token.islower() or token.isupper()):
        return False
    lower = token.lower()
    return _is_bech32(lower) or _is_cash_address(lower) or _is_filecoin(lower)


def is_prefixed_address(token: str) -> bool:
    """Whether a token with an underscore is one, of Cardano's test network or of Nano."""
    return _is_bech32(token) or _NANO.fullmatch(token) is not None


def _steps(generators: Iterable[int]) -> tuple[int, ...]:
    """Tabulate what one step of a checksum adds for each value of its top five bits."""
    table = [0]
    for generator in generators:
        table += [added ^ generator for added in table]
    return tuple(table)


_STEPS: Final = _steps((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3))
_CASH_STEPS: Final = _steps((0x98F2BC8E61, 0x79B76D99E2, 0xF33E5FB3C4, 0xAE2EABE2A8, 0x1E4F43E470))


def _polymod(values: Iterable[int], checksum: int = 1) -> int:
    """BCH code of BIP 173."""
    for value in values:
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value ^ _STEPS[checksum >> 25]
    return checksum


def _cash_polymod(values: Iterable[int], checksum: int = 1) -> int:
    """BCH code of CashAddr, of forty bits."""
    for value in values:
        checksum = (checksum & 0x07FFFFFFFF) << 5 ^ value ^ _CASH_STEPS[checksum >> 35]
    return checksum


_CASH_PREFIXES: Final = [
    _cash_polymod([*(letter & 31 for letter in prefix), 0])
    for prefix in (b"bitcoincash", b"bchtest", b"ecash", b"kaspa")
]


def _expanded(prefix: str) -> bytes:
    """Expand a prefix as BIP 173 says."""
    letters = prefix.encode()
    return bytes([*(letter >> 5 for letter in letters), 0, *(letter & 31 for letter in letters)])


def _is_bech32(token: str) -> bool:
    """Whether a lower-case token has a right checksum, and where it is a witness program its form."""
    found = _BECH32_TOKEN.fullmatch(token)
    if found is None or not (found[1] in _WITNESSES or len(found[2]) >= _ACCOUNT_SIGNS):
        return False
    values = [_BECH32_VALUES[sign] for sign in found[2]]
    checksum = _polymod(values, _polymod(_expanded(found[1])))
    if found[1] not in _WITNESSES:
        return checksum in (_BECH32_CONSTANT, _BECH32M_CONSTANT)
    constant = _BECH32M_CONSTANT if values[0] else _BECH32_CONSTANT
    return checksum == constant and _is_witness_program(values[0], values[1:-_BECH32_CHECKSUM])


def _is_witness_program(version: int, program: list[int]) -> bool:
    """Whether the 5-bit values are a program of that version (BIP 173, BIP 350)."""
    length, spare_bits = divmod(len(program) * 5, 8)
    lengths = _PROGRAM_LENGTHS if version else _PROGRAM_LENGTHS_V0
    if version > _LARGEST_WITNESS or length not in lengths or spare_bits >= 5:  # noqa: PLR2004 - bits a sign
        return False
    return not program[-1] & ((1 << spare_bits) - 1)


def _is_cash_address(token: str) -> bool:
    if not _CASH_TOKEN.fullmatch(token):
        return False
    values = [_BECH32_VALUES[sign] for sign in token]
    return any(_cash_polymod(values, prefix) == 1 for prefix in _CASH_PREFIXES)


def _is_stellar(token: str) -> bool:
    raw = _b32decoded(token)
    body, checksum = raw[:-_STELLAR_CHECKSUM_BYTES], raw[-_STELLAR_CHECKSUM_BYTES:]
    return raw[0] == _STELLAR_VERSIONS[token[0]] and crc_hqx(body, 0).to_bytes(2, "little") == checksum


def _is_algorand(token: str) -> bool:
    raw = _b32decoded(token)
    key, checksum = raw[:-_ALGORAND_CHECKSUM_BYTES], raw[-_ALGORAND_CHECKSUM_BYTES:]
    return new("sha512_256", key, usedforsecurity=False).digest().endswith(checksum)


def _is_filecoin(token: str) -> bool:
    found = _FILECOIN.fullmatch(token)
    if found is None:
        return False
    protocol, rest = found[1] or found[3], found[2] or found[4]
    raw = _b32decoded(rest.upper())
    body, checksum = raw[:-_FILECOIN_CHECKSUM_BYTES], raw[-_FILECOIN_CHECKSUM_BYTES:]
    named = int(protocol).to_bytes() + body
    return blake2b(named, digest_size=_FILECOIN_CHECKSUM_BYTES).digest() == checksum


def _b32decoded(signs: str) -> bytes:
    return b32decode(signs + "=" * (-len(signs) % 8))
