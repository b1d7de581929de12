"""Fields of a template's data that its author marked as identifiers: the card-number rule is off there."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

MARK: Final = "x-identifier"
"""A schema with this keyword set to true, and with a `pattern`, describes an identifier."""


def identifier_pointers(schema: Mapping[str, Any], data: object) -> set[str]:
    """Return the JSON Pointers of the identifiers in `data`, which stands at `/data`.

    The pattern is what keeps such a field from holding just anything; the schema check enforces it.
    """
    return set(_found(schema, schema, data, "/data"))


def _found(root: Mapping[str, Any], schema: object, data: object, pointer: str) -> Iterator[str]:
    schema = _resolved(root, schema)
    if not isinstance(schema, Mapping):
        return
    if schema.get(MARK) is True and isinstance(schema.get("pattern"), str):
        yield pointer
    properties = schema.get("properties")
    if isinstance(data, dict) and isinstance(properties, Mapping):
        for name in data.keys() & properties.keys():
            escaped = name.replace("~", "~0").replace("/", "~1")
            yield from _found(root, properties[name], data[name], f"{pointer}/{escaped}")
    elif isinstance(data, list) and "items" in schema:
        for index, item in enumerate(data):
            yield from _found(root, schema["items"], item, f"{pointer}/{index}")


def _resolved(root: Mapping[str, Any], schema: object) -> object:
    """Follow one local reference, as templates use them for shared shapes such as money."""
    reference = schema.get("$ref") if isinstance(schema, Mapping) else None
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return schema
    found: object = root
    for part in reference[2:].split("/"):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
