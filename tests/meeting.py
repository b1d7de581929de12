"""Whom a campaign's filter means, in plain Python: the SQL of both databases is held against it."""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from notify.domain.audience import Audience, Condition, Op

_DAY_THEN: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?![^T ])")
_ORDER: Final[Mapping[Op, Callable[[Any, Any], bool]]] = {
    Op.GT: operator.gt,
    Op.GTE: operator.ge,
    Op.LT: operator.lt,
    Op.LTE: operator.le,
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What the filter may look at of one recipient. `country` is the effective one."""

    id: str
    locale: str | None = None
    country: str | None = None
    phone_country: str | None = None
    timezone: str | None = None
    customer_since: date | None = None
    email: bool = False
    phone: bool = False
    name: bool = False
    attributes: Mapping[str, Any] | None = None


def is_in(audience: Audience, facts: Facts) -> bool:
    """Whether a recipient meets all conditions; being subscribed is another matter."""
    return all(_meets(one, _value(one, facts)) for one in audience.conditions)


def _value(condition: Condition, facts: Facts) -> Any:
    if condition.attribute is not None:
        return (facts.attributes or {}).get(condition.attribute)
    found = getattr(facts, condition.field)
    if condition.field in {"email", "phone", "name"}:
        return found or None
    return found.isoformat() if isinstance(found, date) else found


def _meets(condition: Condition, found: Any) -> bool:
    op, value = condition.op, condition.value
    if op is Op.EXISTS:
        return (found is not None) is value
    if op is Op.NE:
        return not _same(found, value)
    if op is Op.IN:
        return isinstance(value, tuple) and any(_same(found, one) for one in value)
    return _same(found, value) if op is Op.EQ else _ordered(op, found, value)


def _same(found: object, value: object) -> bool:
    return isinstance(found, bool) is isinstance(value, bool) and found == value


def _ordered(op: Op, found: object, value: object) -> bool:
    if isinstance(value, str):
        day = _DAY_THEN.match(found) if isinstance(found, str) else None
        return day is not None and _ORDER[op](day[0], value)
    return _is_any_number(found) and _ORDER[op](found, value)


def _is_any_number(found: object) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool)
