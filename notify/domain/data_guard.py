"""Keeps payment card numbers and wallet addresses out of the service (rule 13 of the product)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from math import isfinite
from typing import Any, Final

from notify.domain.card_numbers import (
    LONGEST_PHONE,
    MAX_DIGITS,
    MIN_DIGITS,
    holds_card_number,
    is_card_number,
)
from notify.domain.errors import FieldProblem
from notify.domain.wallet_addresses import holds_wallet_address, may_hold_wallet_address

CARD: Final = "holds what reads as a payment card number; card numbers must not be sent to this service"
WALLET: Final = "holds what reads as a crypto-currency wallet address; those must not be sent to this service"
_PHONE: Final = "phone"
_FIELD_NAME: Final = "a field name in here "
_FEWEST: Final = 10 ** (MIN_DIGITS - 1)


def violations(body: object, *, identifier_pointers: Collection[str] = ()) -> list[FieldProblem]:
    """Return a problem for every string, number and field name of a JSON body that is barred, in its order.

    In a field called `phone` only what is too long to be a phone number is a card number.
    `identifier_pointers` (RFC 6901) are fields that a template declared to be identifiers: the rule on
    digits is off there. The pointer of a barred field name is that of the object it stands in, so that
    nothing is repeated; such a field is not looked into.
    """
    if _certainly_clean(body):
        return []
    problems: list[FieldProblem] = []
    # Not recursive: how deep a body goes is the caller's choice.
    waiting: list[tuple[str, str, object]] = [("", "", body)]
    while waiting:
        pointer, name, value = waiting.pop()
        if isinstance(value, Mapping):
            fields = [(str(key), item, _barred(str(key))) for key, item in value.items()]
            problems += [FieldProblem(pointer, _FIELD_NAME + found) for _, _, found in fields if found]
            waiting += [
                (f"{pointer}/{_escaped(key)}", key, item)
                for key, item, found in reversed(fields)
                if not found
            ]
        elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
            waiting += [(f"{pointer}/{index}", "", value[index]) for index in reversed(range(len(value)))]
        elif detail := _barred(
            value,
            name=name or pointer.rpartition("/")[0].rpartition("/")[2],  # of a list's items, that of the list
            phone=name == _PHONE,
            identifier=pointer in identifier_pointers,
        ):
            problems.append(FieldProblem(pointer, detail))
    return problems


def _certainly_clean(body: object) -> bool:
    """Whether nothing in a body could be barred, whatever its fields are: true of nearly all."""
    waiting: list[Any] = [body]
    while waiting:
        value = waiting.pop()
        kind = type(value)
        if kind is str:
            if len(value) >= MIN_DIGITS and (may_hold_wallet_address(value) or holds_card_number(value)):
                return False
        elif kind is dict:
            waiting += value
            waiting += value.values()
        elif kind is list:
            waiting += value
        elif kind is int or kind is float:
            if not -_FEWEST < value < _FEWEST:
                return False
        elif value is not None and kind is not bool:
            return False
    return True


def _barred(value: object, *, name: str = "", phone: bool = False, identifier: bool = False) -> str | None:
    """Return why a string or number is barred, if it is."""
    if isinstance(value, str):
        if len(value) < MIN_DIGITS:  # wallet addresses are longer still
            return None
        if holds_wallet_address(value, name=name):
            return WALLET
        if identifier or (phone and sum(map(str.isdecimal, value)) <= LONGEST_PHONE):
            return None
        return CARD if holds_card_number(value) else None
    if identifier:
        return None
    shortest = LONGEST_PHONE if phone else 0
    return CARD if any(len(d) > shortest and is_card_number(d) for d in _spellings(value)) else None


def _spellings(number: object) -> Iterator[bytes]:
    """Yield the digits of a whole number; of a float both as it is stored and as it was written."""
    if isinstance(number, int) and not isinstance(number, bool) and abs(number) < 10**MAX_DIGITS:
        yield b"%d" % abs(number)
    elif (
        isinstance(number, float)
        and isfinite(number)
        and number.is_integer()
        and abs(number) < 10**MAX_DIGITS
    ):
        yield b"%d" % abs(int(number))
        yield b"%d" % abs(int(Decimal(repr(number))))


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
