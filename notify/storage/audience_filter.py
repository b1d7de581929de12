"""A campaign's filter in SQL, as `domain.audience.Condition` says it, for both databases."""

from collections.abc import Mapping
from datetime import date
from operator import ge, gt, le, lt
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, bindparam, cast, false, func, not_, or_, type_coerce
from sqlalchemy.dialects.postgresql import JSONB

from notify.domain.audience import Condition, Op
from notify.storage.tables import Recipient

_COLUMNS: Final[Mapping[str, Any]] = {
    "id": Recipient.external_id,
    "locale": Recipient.locale,
    "country": Recipient.effective_country,
    "phone_country": Recipient.phone_country,
    "timezone": Recipient.timezone,
    "customer_since": Recipient.customer_since,
    "email": Recipient.email_hash,
    "phone": Recipient.phone_hash,
    "name": Recipient.name_sealed,
}
_ORDER: Final = {Op.GT: gt, Op.GTE: ge, Op.LT: lt, Op.LTE: le}
_DAY_LENGTH: Final = len("2026-11-23")


def meets(condition: Condition, dialect: str) -> ColumnElement[bool]:
    """Return the SQL of one condition: true or false, never NULL, and no error whatever the data is."""
    if condition.attribute is None:
        return _of_column(condition)
    found = (_PostgresqlAttribute if dialect == "postgresql" else _SqliteAttribute)(condition.attribute)
    op, value = condition.op, condition.value
    if op is Op.EXISTS:
        return found.exists() if value else not_(found.exists())
    if op in _ORDER:
        return _sure(found.ordered(op, value))
    same = _sure(or_(*(found.equals(one) for one in _values(value))))
    return not_(same) if op is Op.NE else same


def _of_column(condition: Condition) -> ColumnElement[bool]:
    column, op, value = _COLUMNS[condition.field], condition.op, condition.value
    if op is Op.EXISTS:
        found: ColumnElement[bool] = column.is_not(None) if value else column.is_(None)
        return found
    values = [
        date.fromisoformat(str(one)) if condition.field == "customer_since" else one for one in _values(value)
    ]
    if op in _ORDER:
        return _sure(_ORDER[op](column, values[0]))
    same = _sure(column.in_(values))
    return not_(same) if op is Op.NE else same


def _values(value: Any) -> tuple[Any, ...]:  # noqa: ANN401 - of a condition
    return value if isinstance(value, tuple) else (value,)


def _sure(found: ColumnElement[bool]) -> ColumnElement[bool]:
    """Make what is unknown false."""
    return func.coalesce(found, false())


class _PostgresqlAttribute:
    """An attribute in PostgreSQL, where JSON compares as JSON: types apart, numbers by value."""

    def __init__(self, key: str) -> None:
        self._found = type_coerce(Recipient.attributes, JSONB)[key]
        self._kind = func.jsonb_typeof(self._found)

    def exists(self) -> ColumnElement[bool]:
        return func.coalesce(self._kind, "null") != "null"

    def equals(self, value: object) -> ColumnElement[bool]:
        return self._found == _json(value)

    def ordered(self, op: Op, value: Any) -> ColumnElement[bool]:  # noqa: ANN401 - of a condition
        if not isinstance(value, str):
            return and_(self._kind == "number", _ORDER[op](self._found, _json(value)))
        text = self._found.astext
        is_day = text.regexp_match("^[0-9]{4}-[0-9]{2}-[0-9]{2}($|[T ])")
        day = func.left(text, _DAY_LENGTH).collate("C")
        return and_(self._kind == "string", is_day, _ORDER[op](day, value))


def _json(value: object) -> ColumnElement[Any]:
    return cast(bindparam(None, value, type_=JSONB), JSONB)


class _SqliteAttribute:
    """An attribute in SQLite, where types are asked for by name."""

    def __init__(self, key: str) -> None:
        path = f'$."{key}"'  # keys hold letters, digits, "-" and "_" only
        self._kind = func.json_type(Recipient.attributes, path)
        self._found: ColumnElement[Any] = func.json_extract(Recipient.attributes, path)

    def exists(self) -> ColumnElement[bool]:
        return func.coalesce(self._kind, "null") != "null"

    def equals(self, value: object) -> ColumnElement[bool]:
        if isinstance(value, bool):
            return self._kind == ("true" if value else "false")
        kinds = ("text",) if isinstance(value, str) else ("integer", "real")
        return and_(self._kind.in_(kinds), self._found == value)

    def ordered(self, op: Op, value: Any) -> ColumnElement[bool]:  # noqa: ANN401 - of a condition
        if not isinstance(value, str):
            return and_(self._kind.in_(("integer", "real")), _ORDER[op](self._found, value))
        digits = "[0-9]"
        pattern = f"{digits * 4}-{digits * 2}-{digits * 2}*"
        rest = func.substr(self._found, _DAY_LENGTH + 1, 1)
        day = func.substr(self._found, 1, _DAY_LENGTH)
        return and_(
            self._kind == "text",
            self._found.op("GLOB")(pattern),
            rest.in_(("", "T", " ")),
            _ORDER[op](day, value),
        )
