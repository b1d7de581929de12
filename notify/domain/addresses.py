"""Addresses: the form they are hashed in, and the form they are shown in."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final, overload

from notify.domain.catalogue import Channel

_DOT: Final = "•"
_HIDDEN: Final = _DOT * 3
_SHOWN_DIGITS: Final = 2

_ONE_DIGIT_CODES: Final = frozenset("17")
_TWO_DIGIT_RANGES: Final = (
    *((20, 20), (27, 27), (30, 34), (36, 36), (39, 41), (43, 49), (51, 58)),
    *((60, 66), (81, 82), (84, 84), (86, 86), (90, 95), (98, 98)),
)
"""Country codes of ITU-T E.164, annex; all others have three digits."""

_GROUPS: Final[Mapping[str, Sequence[int]]] = {"1": (3, 3, 4), "221": (2, 3, 2, 2)}
"""How numbers are written where it is not in pairs."""


def fold_email(email: str) -> str:
    """Return the address as it is hashed: case-folded as a whole, domain in IDNA (as Contacts gives it).

    Folding the part before the "@" joins what RFC 5321, 2.4 could tell apart, but nobody does. Raises
    ValueError if the domain is not in IDNA yet: it would have a hash of its own.
    """
    local, at, domain = email.strip().rpartition("@")
    if not (local and at and domain and domain.isascii()):
        raise ValueError("not a parsed e-mail address")
    return f"{local.casefold()}@{domain.lower()}"


def address_key(channel: Channel, address: str) -> str:
    """Return what the keyed hash of an address is made of; the address is as Contacts gives it."""
    if channel is Channel.EMAIL:
        return fold_email(address)
    if not (address.startswith("+") and address[1:].isascii() and address[1:].isdecimal()):
        raise ValueError("not a phone number in E.164")
    return address


@overload
def masked(channel: Channel, address: str) -> str: ...
@overload
def masked(channel: Channel, address: None) -> None: ...
def masked(channel: Channel, address: str | None) -> str | None:
    """Return an address that its owner recognises and nobody else learns; None where there is none.

    As a•••@example.com, +221 •• ••• •• 67: the domain or country code, and the first or last characters.
    """
    if address is None:
        return None
    return _masked_email(address) if channel is Channel.EMAIL else _masked_phone(address)


def _masked_email(email: str) -> str:
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}{_HIDDEN}@{domain}"


def _masked_phone(phone: str) -> str:
    digits = phone.removeprefix("+")
    code = digits[: _code_length(digits)]
    rest = digits[len(code) :]
    hidden = max(len(rest) - _SHOWN_DIGITS, 0)
    shown = _DOT * hidden + rest[hidden:]
    groups = _GROUPS.get(code, ())
    if sum(groups) != len(rest):
        groups = [len(rest) % 2, *[2] * (len(rest) // 2)]
    edges = [sum(groups[:index]) for index in range(len(groups) + 1)]
    return " ".join([f"+{code}", *(shown[start:end] for start, end in pairwise(edges) if end > start)])


def _code_length(digits: str) -> int:
    if digits[:1] in _ONE_DIGIT_CODES:
        return 1
    first_two = int(digits[:2] or "0")
    return 2 if any(first <= first_two <= last for first, last in _TWO_DIGIT_RANGES) else 3
