"""Says what is wrong with a piece of data, by field, without ever repeating the data."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from jsonschema import ValidationError

_TYPES: Final = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "an object",
    "string": "a string",
}

FORMATS: Final = {
    "uri": "must be an absolute http:// or https:// address",
    "date": "must be a date such as 2026-11-26",
    "time": "must be a time of day such as 14:30",
    "label": "must begin and end with a visible character, and hold no control or direction characters",
    "text": "must have a visible character, and no control or direction characters",
    "money": "must have a known ISO 4217 currency, and no more decimals than that currency has",
}
"""The formats that templates may name, and what each asks for."""


def _type(wanted: str | list[str]) -> str:
    names = [wanted] if isinstance(wanted, str) else wanted
    return "must be " + " or ".join(_TYPES[name] for name in names)


_TEXTS: Final[Mapping[str, Callable[[Any], str]]] = {
    "type": _type,
    "format": lambda name: FORMATS.get(name, f"must be a valid {name}"),
    "pattern": lambda pattern: f"must match the pattern {pattern}",
    "enum": lambda values: "must be one of " + ", ".join(map(str, values)),
    "const": lambda value: f"must be {value}",
    "minLength": lambda n: "must not be empty" if n == 1 else f"must have at least {n} characters",
    "maxLength": lambda n: f"must have at most {n} characters",
    "minItems": lambda n: "must not be empty" if n == 1 else f"must have at least {n} entries",
    "maxItems": lambda n: f"must have at most {n} entries",
    "uniqueItems": lambda _: "must not hold the same entry twice",
    "minimum": lambda n: f"must be at least {n}",
    "maximum": lambda n: f"must be at most {n}",
    "exclusiveMinimum": lambda n: f"must be more than {n}",
    "exclusiveMaximum": lambda n: f"must be less than {n}",
    "minProperties": lambda n: f"must have at least {n} fields",
    "maxProperties": lambda n: f"must have at most {n} fields",
}


def problem_texts(error: ValidationError) -> Iterator[tuple[str, str]]:
    """Yield the JSON Pointer of each field that a schema error is about, and what is wrong with it.

    The library's own messages repeat the value; these do not. A pair may come more than once.
    """
    base = pointer(error.absolute_path)
    rule = str(error.validator)
    wanted: Any = error.validator_value
    instance: Any = error.instance
    if rule == "required":
        # The library raises one error for each missing field, and names it in its message only: callers
        # drop the repetitions.
        for name in wanted:
            if name not in instance:
                yield f"{base}/{escaped(name)}", "is required"
    elif rule == "additionalProperties" and wanted is False:
        for name in _unknown(error):
            yield f"{base}/{escaped(name)}", "is not a known field"
    elif rule in _TEXTS:
        yield base, _TEXTS[rule](wanted)
    else:
        yield base, f"breaks the schema's rule `{rule}`"


def _unknown(error: ValidationError) -> list[str]:
    """Return the names that neither `properties` nor `patternProperties` know."""
    schema = error.schema if isinstance(error.schema, Mapping) else {}
    patterns = schema.get("patternProperties", {})
    instance: Any = error.instance
    return [
        str(name)
        for name in instance
        if name not in schema.get("properties", {}) and not any(re.search(p, name) for p in patterns)
    ]


def pointer(path: Iterable[object]) -> str:
    """Return a JSON Pointer (RFC 6901)."""
    return "".join(f"/{escaped(str(part))}" for part in path)


def escaped(name: str) -> str:
    """Escape one step of a JSON Pointer."""
    return name.replace("~", "~0").replace("/", "~1")
