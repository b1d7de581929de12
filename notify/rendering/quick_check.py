"""A quick check that data fits a schema: it never says yes where the full validator would say no.

The full validator takes ten times as long, and says what is wrong. It is asked only when this one does not
say yes.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from jsonschema import FormatChecker

Check = Callable[[Any], bool]

_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "object": (dict,),
    "array": (list,),
}
"""Exact types: what JSON Schema counts as whole numbers besides goes to the full validator."""

_SAYS_NOTHING: Final = frozenset({"description", "examples", "title", "default", "$comment"})


def quick_check(schema: Mapping[str, Any], formats: FormatChecker) -> Check | None:
    """Return the check; None if the schema uses a rule that is not known here."""
    checks: list[Check] = []
    rules = {name: rule for name, rule in schema.items() if name not in _SAYS_NOTHING and name[:2] != "x-"}
    kinds = rules.pop("type", None)
    if kinds is not None:
        names = [kinds] if isinstance(kinds, str) else kinds
        checks.append(_is_one_of({kind for name in names for kind in _TYPES[name]}))
    for build in (_object_rules, _array_rules, _text_rules, _number_rules):
        found = build(rules, formats)
        if found is None:
            return None
        checks += found
    if "format" in rules:
        checks.append(_conforms(rules.pop("format"), formats))
    if rules:
        return None
    return lambda value: all(check(value) for check in checks)


def _is_one_of(kinds: set[type]) -> Check:
    return lambda value: type(value) in kinds


def _conforms(name: str, formats: FormatChecker) -> Check:
    return lambda value: formats.conforms(value, name)


def _object_rules(rules: dict[str, Any], formats: FormatChecker) -> list[Check] | None:
    properties = rules.pop("properties", None)
    required = rules.pop("required", ())
    closed = rules.pop("additionalProperties", None)
    if properties is None:
        return None if required or closed is not None else []
    parts = {name: quick_check(part, formats) for name, part in properties.items()}
    if closed is not False or any(part is None for part in parts.values()):
        return None

    def check(value: Any) -> bool:  # noqa: ANN401 - JSON is anything
        if type(value) is not dict:
            return True  # `type` says so
        for name, item in value.items():
            part = parts.get(name)
            if part is None or not part(item):
                return False
        return all(name in value for name in required)

    return [check]


def _array_rules(rules: dict[str, Any], formats: FormatChecker) -> list[Check] | None:
    items = rules.pop("items", None)
    fewest, most = rules.pop("minItems", 0), rules.pop("maxItems", float("inf"))
    part = quick_check(items, formats) if isinstance(items, Mapping) else None
    if part is None:
        return (
            None
            if items is not None
            else [lambda value: type(value) is not list or fewest <= len(value) <= most]
        )
    return [lambda value: type(value) is not list or (fewest <= len(value) <= most and all(map(part, value)))]


def _text_rules(rules: dict[str, Any], _formats: FormatChecker) -> list[Check] | None:
    checks: list[Check] = []
    shortest, longest = rules.pop("minLength", 0), rules.pop("maxLength", float("inf"))
    checks.append(lambda value: type(value) is not str or shortest <= len(value) <= longest)
    if "pattern" in rules:
        search = re.compile(rules.pop("pattern")).search
        checks.append(lambda value: type(value) is not str or search(value) is not None)
    if "enum" in rules:
        words = rules.pop("enum")
        if not all(type(word) is str for word in words):
            return None
        checks.append(lambda value: type(value) is str and value in words)
    return checks


def _number_rules(rules: dict[str, Any], _formats: FormatChecker) -> list[Check]:
    least, most = rules.pop("minimum", float("-inf")), rules.pop("maximum", float("inf"))
    return [lambda value: type(value) not in _NUMBERS or least <= value <= most]


_NUMBERS: Final = frozenset({int, float})
