"""Query strings: what is declared is checked, and what is not declared is refused."""

from typing import Any, Final

from flask import request

from notify.domain.catalogue import LOCALES
from notify.domain.errors import FieldProblem, InvalidRequestError
from notify.domain.status import Status
from notify.web.api.fields import one_of
from notify.web.api.operations import MAX_PARAMETER, Operation, Parameter

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 200
_DIGITS: Final = 9

LIMIT: Final = Parameter(
    "limit",
    "How many items at most.",
    {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
)
CURSOR: Final = Parameter(
    "cursor", "`next_cursor` of the page before; the first page when absent.", {"type": "string"}
)
STATUS: Final = Parameter("status", "Only those in this status.", one_of(Status))
RECIPIENT_ID: Final = Parameter("recipient_id", "Only those of this recipient.", {"type": "string"})
LOCALE: Final = Parameter(
    "locale", "Language of the explanations; by `Accept-Language`, else English.", one_of(LOCALES)
)


def read_query(operation: Operation) -> dict[str, Any]:
    """Return the query parameters of the current request that `operation` declares; `limit` as a number.

    InvalidRequestError names the parameters that are unknown, repeated, or not what their schema says.
    """
    declared = {item.name: item for item in operation.parameters if item.place == "query"}
    values: dict[str, Any] = {}
    problems = []
    for name, given in request.args.lists():
        if name not in declared:
            problems.append(FieldProblem(_shown(name), "is not a parameter of this call"))
        elif problem := _problem(declared[name], given):
            problems.append(FieldProblem(name, problem))
        else:
            values[name] = int(given[0]) if declared[name].schema["type"] == "integer" else given[0]
    if problems:
        raise InvalidRequestError(problems)
    return values


def language() -> str:
    """Return the language the caller accepts best; English for programs that do not say."""
    return request.accept_languages.best_match(("en", *LOCALES)) or "en"


def _shown(name: str) -> str:
    return name[:64] if name.isascii() and name.isprintable() and not name.startswith("/") else "(unnamed)"


def _problem(parameter: Parameter, given: list[str]) -> str | None:
    value, schema = given[0], parameter.schema
    if len(given) > 1:
        return "is given more than once"
    if not value or len(value) > MAX_PARAMETER or not value.isprintable() or not _encodes(value):
        return f"must be 1 to {MAX_PARAMETER} printable characters"
    if "enum" in schema and value not in schema["enum"]:
        return f"must be one of {', '.join(schema['enum'])}"
    if schema["type"] == "integer":
        low, high = schema["minimum"], schema["maximum"]
        if not (value.isascii() and value.isdigit() and len(value) <= _DIGITS and low <= int(value) <= high):
            return f"must be a number from {low} to {high}"
    return None


def _encodes(value: str) -> bool:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
