"""Who of those subscribed a campaign is for: a filter over what the shop knows, as callers write it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from notify.domain import ids
from notify.domain.errors import FieldProblem, InvalidRequestError, NotFoundError
from notify.domain.status import Status

Value = str | int | float | bool

FAILED: Final = frozenset({Status.FAILED, Status.EXPIRED})
"""How a message ended that "send to those it failed for" is about. Never `unknown`: it may have arrived.

A `bounced` one is not among them: the same address would bounce again.
"""

MAX_CONDITIONS: Final = 20
MAX_LIST: Final = 1000
LARGEST: Final = 2**53
"""Numbers of a filter are no larger: up to here both databases and Python agree on what is equal."""

_ATTRIBUTE: Final = re.compile(r"attributes\.([A-Za-z0-9_-]{1,64})")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TEXT_FIELDS: Final = frozenset({"id", "locale", "country", "phone_country", "timezone"})
_PRESENCE_FIELDS: Final = frozenset({"email", "phone", "name"})
_DATE_FIELD: Final = "customer_since"


class Op(StrEnum):
    """How a condition compares."""

    EQ = "eq"
    NE = "ne"
    IN = "in"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    EXISTS = "exists"


ORDER: Final = frozenset({Op.GT, Op.GTE, Op.LT, Op.LTE})


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition. `attribute` is the key where `field` is an attribute's.

    `value` is a tuple for `in`, True or False for `exists`. A missing value, or one of another type, meets
    no condition but `ne` and `exists: false`: `ne` is what `eq` is not. A date is text in the form
    2026-11-23; in an order, a time counts as its day, and other text meets nothing.
    """

    field: str
    op: Op
    value: Value | tuple[Value, ...]
    attribute: str | None = None


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is meant, of those subscribed: who meets all conditions.

    `failed_in` is the number of a campaign: only those whose message of it ended as `FAILED` says.
    """

    conditions: tuple[Condition, ...] = ()
    failed_in: int | None = None


def parse_audience(given: Mapping[str, Any] | None) -> Audience:
    """Read what the caller wrote; None is everyone subscribed.

    InvalidRequestError names each condition that is wrong, by a pointer into /audience.
    """
    if given is None:
        return Audience()
    problems = [FieldProblem(f"/audience/{name}", "is not known here") for name in given if name not in _KEYS]
    conditions: list[Condition] = []
    listed = given.get("all", [])
    if not isinstance(listed, list) or len(listed) > MAX_CONDITIONS:
        problems.append(FieldProblem("/audience/all", f"must be a list of at most {MAX_CONDITIONS}"))
        listed = []
    for index, one in enumerate(listed):
        found = _condition(one, f"/audience/all/{index}")
        if isinstance(found, FieldProblem):
            problems.append(found)
        else:
            conditions.append(found)
    failed_in = _campaign(given["failed_in"]) if given.get("failed_in") is not None else None
    if isinstance(failed_in, FieldProblem):
        problems.append(failed_in)
        failed_in = None
    if problems:
        raise InvalidRequestError(problems)
    return Audience(tuple(conditions), failed_in)


_KEYS: Final = frozenset({"all", "failed_in"})


def _campaign(given: object) -> int | FieldProblem:
    try:
        return ids.number_of(ids.CAMPAIGN, given if isinstance(given, str) else "")
    except NotFoundError:
        return FieldProblem("/audience/failed_in", "is no campaign's id")


def _condition(given: object, pointer: str) -> Condition | FieldProblem:
    if not isinstance(given, Mapping) or given.keys() != {"field", "op", "value"}:
        return FieldProblem(pointer, "must have field, op and value")
    field, op, value = given["field"], given["op"], given["value"]
    attribute = _ATTRIBUTE.fullmatch(field) if isinstance(field, str) else None
    if attribute is None and (not isinstance(field, str) or field not in _FIELDS):
        return FieldProblem(f"{pointer}/field", f"must be {_LISTED}, or attributes. and a name")
    if not isinstance(op, str) or op not in _OPS:
        return FieldProblem(f"{pointer}/op", f"must be {', '.join(Op)}")
    op = Op(op)
    wrong = _wrong_op(field, op) or _wrong_value(field, op, value)
    if wrong:
        return FieldProblem(f"{pointer}/{wrong[0]}", wrong[1])
    kept = tuple(value) if isinstance(value, list) else value
    return Condition(field, op, kept, attribute[1] if attribute else None)


_FIELDS: Final = _TEXT_FIELDS | _PRESENCE_FIELDS | {_DATE_FIELD}
_LISTED: Final = ", ".join(sorted(_FIELDS))
_OPS: Final = frozenset(op.value for op in Op)


def _wrong_op(field: str, op: Op) -> tuple[str, str] | None:
    if field in _PRESENCE_FIELDS and op is not Op.EXISTS:
        return "op", "must be exists: addresses and names are encrypted"
    if field in _TEXT_FIELDS and op in ORDER:
        return "op", "must be eq, ne, in or exists for this field"
    return None


def _wrong_value(field: str, op: Op, value: object) -> tuple[str, str] | None:
    if op is Op.EXISTS:
        return None if isinstance(value, bool) else ("value", "must be true or false")
    if op is Op.IN:
        if not isinstance(value, list) or not 0 < len(value) <= MAX_LIST:
            return "value", f"must be a list of 1 to {MAX_LIST} values"
        wrong = (_wrong_single(field, op, one) for one in value)
        return next((("value", one) for one in wrong if one), None)
    wrong_single = _wrong_single(field, op, value)
    return ("value", wrong_single) if wrong_single else None


def _wrong_single(field: str, op: Op, value: object) -> str | None:
    if field in _TEXT_FIELDS:
        return None if _is_text(value) else "must be text"
    if field == _DATE_FIELD:
        return None if _is_day(value) else "must be a date, as 2026-11-23"
    if op in ORDER:
        return None if _is_number(value) or _is_day(value) else "must be a number, or a date as 2026-11-23"
    known = isinstance(value, bool) or _is_text(value) or _is_number(value)
    return None if known else "must be text, a number up to 2^53, true or false"


def _is_text(value: object) -> bool:
    """Whether it is text that every database can hold."""
    return isinstance(value, str) and "\0" not in value and value.isascii() | _encodes(value)


def _encodes(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        return False
    return True


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST


def _is_day(value: object) -> bool:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True
