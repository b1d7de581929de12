"""The JSON Schema of a template's data: put together, checked, and turned into samples and contexts."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from jsonschema import Draft202012Validator, SchemaError

from notify.domain.errors import ConfigurationError, FieldProblem
from notify.rendering.formats import format_checker
from notify.rendering.quick_check import quick_check
from notify.rendering.wording import FORMATS, escaped, problem_texts

RESERVED: Final = frozenset({"links", "recipient_name", "topic", "loop", "properties"})
"""Names that templates get besides the data, and one that schemas need for themselves."""

_SHARED: Final = "fields.toml#/"
Schema = dict[str, Any]


class DataSchema:
    """What a template's data must be, with all shared fields written out."""

    def __init__(self, declared: Mapping[str, Any], shared: Mapping[str, Any]) -> None:
        """Put the schema together; ConfigurationError says what is wrong with it."""
        schema: Schema = _inlined({"properties": {}, **declared}, shared, ())
        _check(schema, "data")
        for name in schema["properties"]:
            if name in RESERVED or name.startswith("_"):
                raise ConfigurationError(f"data.{name}: this name is taken, choose another")
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            raise ConfigurationError(f"data: not a JSON Schema: {error.message}") from None
        self._schema = schema
        formats = format_checker()
        self._validator = Draft202012Validator(schema, format_checker=formats)
        self._fits = quick_check(schema, formats)
        self._absent = dict.fromkeys(shared)
        self.json = {**schema, "examples": [sample(schema)]}
        for label, data in self.variants():
            for problem in self.problems(data):
                raise ConfigurationError(f"data{problem.pointer}: its example {problem.detail} ({label})")

    def problems(self, data: Mapping[str, Any]) -> list[FieldProblem]:
        """Return what of `data` breaks the schema; pointers are into `data`.

        Names that start with `_` are this service's own: no caller may give one.
        """
        own = [name for name in data if name.startswith("_")]
        if not own and self._fits is not None and self._fits(data):
            return []
        found = {(f"/{escaped(name)}", "is not a known field"): None for name in own}
        errors = sorted(self._validator.iter_errors(data), key=lambda error: list(map(str, error.path)))
        found |= dict.fromkeys(text for error in errors for text in problem_texts(error))
        return [FieldProblem(pointer, detail) for pointer, detail in found]

    def context(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return `data` with None for every optional field that is absent, and for shared fields of others.

        So `{% if carrier %}` needs no `is defined`, and a misspelt name is still an error.
        """
        return {**self._absent, **_completed(self._schema, data)}

    def variants(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield samples that cover what may be absent: all, bare, and each optional field in and out."""
        schema = self._schema
        everything, bare = sample(schema), sample(schema, bare=True)
        yield "all fields", everything
        yield "only the required fields", bare
        nested = {name: sample(part, bare=True) for name, part in schema["properties"].items()}
        yield "only the required fields inside", nested
        for name in everything.keys() - bare.keys():
            yield f"without {name}", {key: value for key, value in everything.items() if key != name}
            yield f"only with {name}", {**bare, name: everything[name]}

    def format_of(self, name: str) -> str | None:
        """Return the format of a top-level field, None if it has none or there is no such field."""
        found = self._schema["properties"].get(name, {}).get("format")
        return found if isinstance(found, str) else None


def sample(schema: Mapping[str, Any], *, bare: bool = False) -> Any:  # noqa: ANN401 - JSON is anything
    """Return data made of the schema's examples; `bare`: without what is not required."""
    if "examples" in schema and not (bare and ("properties" in schema or "items" in schema)):
        return schema["examples"][0]
    if "properties" in schema:
        required = schema.get("required", ())
        parts = {name: part for name, part in schema["properties"].items() if name in required or not bare}
        return {name: sample(part, bare=bare) for name, part in parts.items()}
    return [sample(schema["items"], bare=bare)]


def _inlined(part: object, shared: Mapping[str, Any], inside: Sequence[str]) -> Any:  # noqa: ANN401 - JSON
    """Write out every reference to a shared field; what stands beside a reference wins over it."""
    if isinstance(part, list):
        return [_inlined(entry, shared, inside) for entry in part]
    if not isinstance(part, Mapping):
        return part
    own = {name: _inlined(value, shared, inside) for name, value in part.items() if name != "$ref"}
    if "$ref" in part:
        reference = part["$ref"]
        name = reference.removeprefix(_SHARED) if isinstance(reference, str) else ""
        if name not in shared or name in inside:
            raise ConfigurationError(f'"$ref" = "{reference}": refer to a field, as "{_SHARED}order_number"')
        return {**_inlined(shared[name], shared, (*inside, name)), **own}
    return {"type": "object", "additionalProperties": False, **own} if "properties" in own else own


def _check(schema: Mapping[str, Any], place: str) -> None:
    """Hold schemas to what samples and contexts can be made from."""
    if "properties" in schema:
        for name, part in schema["properties"].items():
            _check(part, f"{place}.{name}")
    elif schema.get("type") == "object":
        raise ConfigurationError(f"{place}: an object needs properties")
    elif schema.get("type") == "array":
        if not isinstance(schema.get("items"), Mapping):
            raise ConfigurationError(f"{place}: a list needs items")
        _check(schema["items"], f"{place}[]")
    elif not schema.get("examples"):
        raise ConfigurationError(f"{place}: a field needs examples")
    if "format" in schema and schema["format"] not in FORMATS:
        raise ConfigurationError(f"{place}: format must be one of {', '.join(FORMATS)}")


def _completed(schema: Mapping[str, Any], data: object) -> Any:  # noqa: ANN401 - JSON
    if "properties" in schema and isinstance(data, Mapping):
        absent = dict.fromkeys(schema["properties"])
        known = {
            name: _completed(part, data[name]) for name, part in schema["properties"].items() if name in data
        }
        return {**absent, **data, **known}
    if "items" in schema and isinstance(data, list):
        return [_completed(schema["items"], entry) for entry in data]
    return data
