"""Finds the addresses of crypto-currency wallets in text, in time linear in its length."""

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

_LONG_ENOUGH: Final = re.compile(r"[0-9A-Za-z]{14}")
"""The shortest is a witness program of two bytes: bc1 and eleven signs."""

_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE58_VALUES: Final = {sign: value for value, sign in enumerate(_BASE58)}
# At most 34 signs: 58³⁴ is less than 2²⁰⁰, so that what is found always fits into 25 bytes.
_BASE58_TOKEN: Final = re.compile(rf"[13T](?<![^\W_].)[{_BASE58}]{{24,33}}+(?![^\W_])", re.DOTALL)
_VERSIONS: Final = frozenset({0x00, 0x05, 0x41})
"""Bitcoin pay to public key hash and to script hash; Tron, which carries USDT too."""
_BASE58CHECK_BYTES: Final = 25
_CHECKSUM_BYTES: Final = 4

_ETHEREUM: Final = re.compile(r"0[xX](?<![^\W_]..)[0-9a-fA-F]{40}(?![^\W_])", re.DOTALL)
"""Ether and its tokens, USDT and BUSD among them. Without the 0x it may be any SHA-1."""

_BECH32: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_VALUES: Final = {sign: value for value, sign in enumerate(_BECH32)}
_BECH32_TOKEN: Final = re.compile(
    rf"[bBlL](?<![^\W_].)(?:(?:(?<=b)c|(?<=b)nb|(?<=l)tc)1[{_BECH32}]{{11,71}}+"
    rf"|(?:(?<=B)C|(?<=B)NB|(?<=L)TC)1[{_BECH32.upper()}]{{11,71}}+)(?![^\W_])",
    re.DOTALL,
)
_BNB_LENGTH: Final = 38  # 20 bytes of an account, and the checksum
_BECH32_CHECKSUM: Final = 6
_BECH32_CONSTANT: Final = 1
_BECH32M_CONSTANT: Final = 0x2BC830A3
_GENERATORS: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_LARGEST_WITNESS: Final = 16
_PROGRAM_LENGTHS: Final = range(2, 41)
_PROGRAM_LENGTHS_V0: Final = (20, 32)


def holds_wallet_address(text: str) -> bool:
    """Whether a Bitcoin, Litecoin, BNB, Ethereum or Tron address stands in `text`, as a whole token.

    Where the address has a checksum, it must be right: what only looks like one passes.
    """
    if not _LONG_ENOUGH.search(text):
        return False
    return (
        _ETHEREUM.search(text) is not None
        or any(_is_base58check(match[0]) for match in _BASE58_TOKEN.finditer(text))
        or any(_is_bech32(match[0].lower()) for match in _BECH32_TOKEN.finditer(text))
    )


def _is_base58check(text: str) -> bool:
    number = 0
    for sign in text:
        number = number * 58 + _BASE58_VALUES[sign]
    raw = number.to_bytes(_BASE58CHECK_BYTES)
    zeros = len(raw) - len(raw.lstrip(b"\x00"))
    ones = len(text) - len(text.lstrip("1"))
    if raw[0] not in _VERSIONS or zeros != ones:
        return False
    body, checksum = raw[:-_CHECKSUM_BYTES], raw[-_CHECKSUM_BYTES:]
    return sha256(sha256(body).digest()).digest()[:_CHECKSUM_BYTES] == checksum


def _steps() -> tuple[int, ...]:
    """Tabulate what one step of the checksum adds for each value of its top five bits."""
    table = []
    for top in range(32):
        added = 0
        for bit, generator in enumerate(_GENERATORS):
            if top >> bit & 1:
                added ^= generator
        table.append(added)
    return tuple(table)


_STEPS: Final = _steps()


def _polymod(values: Iterable[int], checksum: int = 1) -> int:
    """BCH code of BIP 173."""
    for value in values:
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value ^ _STEPS[checksum >> 25]
    return checksum


def _expanded(prefix: str) -> bytes:
    """Expand a prefix as BIP 173 says."""
    letters = prefix.encode()
    return bytes([*(letter >> 5 for letter in letters), 0, *(letter & 31 for letter in letters)])


_PREFIX_CHECKSUMS: Final = {prefix: _polymod(_expanded(prefix)) for prefix in ("bc", "ltc", "bnb")}


def _is_bech32(text: str) -> bool:
    """Whether a lower-case "bc1…", "ltc1…" (both segregated witness) or "bnb1…" has a right checksum."""
    prefix, _, signs = text.partition("1")
    values = [_BECH32_VALUES[sign] for sign in signs]
    checksum = _polymod(values, _PREFIX_CHECKSUMS[prefix])
    if prefix == "bnb":
        return len(values) == _BNB_LENGTH and checksum == _BECH32_CONSTANT
    constant = _BECH32M_CONSTANT if values[0] else _BECH32_CONSTANT
    return checksum == constant and _is_witness_program(values[0], values[1:-_BECH32_CHECKSUM])


def _is_witness_program(version: int, program: list[int]) -> bool:
    """Whether the 5-bit values are a program of that version (BIP 173, BIP 350)."""
    length, spare_bits = divmod(len(program) * 5, 8)
    lengths = _PROGRAM_LENGTHS if version else _PROGRAM_LENGTHS_V0
    if version > _LARGEST_WITNESS or length not in lengths or spare_bits >= 5:  # noqa: PLR2004 - bits a sign
        return False
    return not program[-1] & ((1 << spare_bits) - 1)
