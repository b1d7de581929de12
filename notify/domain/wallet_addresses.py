"""Finds the addresses of crypto-currency wallets in text, in time linear in its length.

By checksum, whatever the currency: base58check (Bitcoin, Litecoin, Dogecoin, Dash, Tron, Zcash, Tezos …), in
XRP's alphabet too; bech32 and bech32m under any prefix (Bitcoin, Litecoin, BNB, Cardano, Cosmos …); CashAddr
(Bitcoin Cash, eCash). Ether's addresses and those of its tokens have none that all write, nor has Python
Monero's hash: these are found by their form. Solana's are nothing but 32 to 44 signs, as many a token of
others is: they pass.
"""

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

_LONG_ENOUGH: Final = re.compile(r"[0-9A-Za-z]{14}")
"""The shortest is a witness program of two bytes: bc1 and eleven signs."""

_TOKEN: Final = re.compile(r"(?<![^\W_])[0-9A-Za-z]{14,128}+(?![^\W_])")
"""The longest are Cardano's and Monero's, of a little more than a hundred signs."""

_ETHEREUM: Final = re.compile(r"0[xX][0-9a-fA-F]{40}")
"""Ether and its tokens, USDT and BUSD among them. Without the 0x it may be any SHA-1."""

_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE58_XRP: Final = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
_VALUES: Final = {sign: value for value, sign in enumerate(_BASE58)}
_VALUES_XRP: Final = {sign: value for value, sign in enumerate(_BASE58_XRP)}
_BASE58_TOKEN: Final = re.compile(rf"[{_BASE58}]{{25,37}}")
_BASE58CHECK_BYTES: Final = range(25, 28)
"""A version of one to three bytes, a hash of twenty, and the checksum."""
_CHECKSUM_BYTES: Final = 4

_MONERO: Final = re.compile(rf"[48][{_BASE58}]{{94}}(?:[{_BASE58}]{{11}})?")
_MONERO_NETWORKS: Final = {95: (18, 42), 106: (19,)}
"""First bytes by length: of accounts and their subaddresses; with a payment id."""
_MONERO_SIGNS: Final = 11  # of a block of eight bytes; the last one's five bytes are seven signs

_BECH32: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_VALUES: Final = {sign: value for value, sign in enumerate(_BECH32)}
_BECH32_TOKEN: Final = re.compile(rf"([a-z]{{1,20}})1([{_BECH32}]{{11,120}})")
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


def holds_wallet_address(text: str) -> bool:
    """Whether an address of a wallet stands in `text`, as a whole token.

    Where the address has a checksum, it must be right: what only looks like one passes.
    """
    return _LONG_ENOUGH.search(text) is not None and any(map(_is_wallet_address, _TOKEN.findall(text)))


def _is_wallet_address(token: str) -> bool:
    if _ETHEREUM.fullmatch(token):
        return True
    if _BASE58_TOKEN.fullmatch(token) and (
        _is_base58check(token, _VALUES) or (token[0] == "r" and _is_base58check(token, _VALUES_XRP))
    ):
        return True
    lower = token.lower()
    if token in (lower, token.upper()) and (_is_bech32(lower) or _is_cash_address(lower)):
        return True
    return _MONERO.fullmatch(token) is not None and _is_monero(token)


def _number(signs: str, values: dict[str, int]) -> int:
    number = 0
    for sign in signs:
        number = number * 58 + values[sign]
    return number


def _is_base58check(token: str, values: dict[str, int]) -> bool:
    """Each leading sign of the value 0 stands for a byte of that value."""
    number = _number(token, values)
    zero = next(sign for sign, value in values.items() if value == 0)
    zeros = len(token) - len(token.lstrip(zero))
    raw = bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8)
    if len(raw) not in _BASE58CHECK_BYTES:
        return False
    body, checksum = raw[:-_CHECKSUM_BYTES], raw[-_CHECKSUM_BYTES:]
    return sha256(sha256(body).digest()).digest()[:_CHECKSUM_BYTES] == checksum


def _is_monero(token: str) -> bool:
    """Whether each block of signs is one of bytes, and the first byte that of a network."""
    *blocks, last = (token[at : at + _MONERO_SIGNS] for at in range(0, len(token), _MONERO_SIGNS))
    numbers = [_number(block, _VALUES) for block in blocks]
    fits = max(numbers) < 2**64 and _number(last, _VALUES) < 2**40
    return fits and numbers[0] >> 56 in _MONERO_NETWORKS[len(token)]


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
    _cash_polymod([*(letter & 31 for letter in prefix), 0]) for prefix in (b"bitcoincash", b"ecash")
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
