"""Finds the addresses of crypto-currency wallets in text, in time linear in its length.

By checksum, whatever the currency, as far as there is one (`base58_addresses`, `base32_addresses`, and
TON's here). Ether's addresses and those of its tokens have none that all write: they are found by their form.
Solana's are nothing but 32 bytes, as one in twenty of others' tokens is that are as long, and Sui's and
Aptos' look like any digest: these are found where the name of their field speaks of wallets, or the text
around them does.
"""

import re
from base64 import urlsafe_b64decode
from binascii import crc_hqx
from typing import Final

from notify.domain.base32_addresses import is_base32_address, is_prefixed_address
from notify.domain.base58_addresses import is_bare_key, is_base58_address

_LONG_ENOUGH: Final = re.compile(r"[0-9A-Za-z]{14}")
"""The shortest is a witness program of two bytes: bc1 and eleven signs."""

_TOKEN: Final = re.compile(r"(?<![^\W_])((?:[a-z]{3,5}_)?)([0-9A-Za-z]{14,2048}+)(?![^\W_])")
"""The longest are Lightning's invoices. What stands before an underscore may belong to it."""

_ETHEREUM: Final = re.compile(r"0[xX][0-9a-fA-F]{40}")
"""Ether and its tokens, USDT and BUSD among them. Without the 0x it may be any SHA-1."""

_LONG_HEXADECIMAL: Final = re.compile(r"0[xX][0-9a-fA-F]{64}")
"""Sui and Aptos, or a digest."""

_TON_SIGNS: Final = 48
_TON: Final = re.compile(r"(?<![\w+/-])[EUk0][Qf][\w+/-]{46}(?![\w+/-])", re.ASCII)
_TON_CHECKSUM_BYTES: Final = 2

_IN_TEXT: Final = re.compile(r"wallet|solana|crypto|portefeuille|(?<![^\W_])sol(?![^\W_])", re.IGNORECASE)
"""Words beside which 32 bytes are an address."""

_IN_NAME: Final = re.compile(
    rf"{_IN_TEXT.pattern}|phantom|pub(?:lic)?[ _-]?key|(?<![^\W_])(?:addr|address|adresse)(?![^\W_])",
    re.IGNORECASE,
)
"""The same of the name of a field."""

_APART: Final = re.compile(r"(?<![\w/=&%#~.-])[0-9A-Za-z]{32,66}(?![\w/=&%~-])")
"""Not in a link, whose tokens are of that length."""


def holds_wallet_address(text: str, *, name: str = "") -> bool:
    """Whether an address of a wallet stands in `text`, as a whole token; `name` is that of its field.

    Where the address has a checksum, it must be right: what only looks like one passes.
    """
    if not _LONG_ENOUGH.search(text):
        return False
    tokens = _TOKEN.findall(text)
    if any(_is_wallet_address(before, token) for before, token in tokens):
        return True
    if len(text) >= _TON_SIGNS and any(map(_is_ton, _TON.findall(text))):
        return True
    if not any(_is_bare(token) for _, token in tokens):
        return False
    if _IN_NAME.search(name):
        return True
    return _IN_TEXT.search(text) is not None and any(map(_is_bare, _APART.findall(text)))


def may_hold_wallet_address(text: str) -> bool:
    """Whether one might stand there under some name of the field."""
    return holds_wallet_address(text, name="wallet")


def _is_wallet_address(before: str, token: str) -> bool:
    return (
        _ETHEREUM.fullmatch(token) is not None
        or is_base58_address(token)
        or is_base32_address(token)
        or (before != "" and is_prefixed_address(before + token))
    )


def _is_bare(token: str) -> bool:
    """Whether it is one if wallets are spoken of."""
    return is_bare_key(token) or _LONG_HEXADECIMAL.fullmatch(token) is not None


def _is_ton(token: str) -> bool:
    raw = urlsafe_b64decode(token.replace("+", "-").replace("/", "_"))
    body, checksum = raw[:-_TON_CHECKSUM_BYTES], raw[-_TON_CHECKSUM_BYTES:]
    return crc_hqx(body, 0).to_bytes(_TON_CHECKSUM_BYTES) == checksum
