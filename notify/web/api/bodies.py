"""Reading JSON bodies: their limits, and what JSON lets pass that no honest caller means."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from flask import request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from notify.domain.errors import FieldProblem, InvalidRequestError
from notify.web.refusals import BodyTooLargeError, MalformedBodyError, UnsupportedBodyError

MAX_BYTES: Final = 5_000_000
MAX_DEPTH: Final = 16
MAX_PROBLEMS: Final = 100

TOO_LARGE: Final = f"The body is larger than {MAX_BYTES:,} bytes."
TOO_DEEP: Final = f"is nested more than {MAX_DEPTH} levels deep"
NOT_FINITE: Final = "must be a finite number"
TOO_LONG: Final = "is an integer of more than 64 bits; send it as a string"
BAD_TEXT: Final = "holds a NUL character or half of a surrogate pair"

# Only these escapes can smuggle in what UTF-8 itself excludes, or NUL, which PostgreSQL cannot store.
_SUSPECT_ESCAPE: Final = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_LONGEST_INT: Final = len(str(-(2**63)))


@dataclass(frozen=True, slots=True)
class Body:
    """A parsed body, and what is wrong with it as JSON."""

    value: Any
    problems: tuple[FieldProblem, ...] = ()

    def checked(self) -> Any:  # noqa: ANN401 - JSON is anything
        """Return the value; InvalidRequestError if anything is wrong with it."""
        if self.problems:
            raise InvalidRequestError(self.problems)
        return self.value


class _Flawed:
    """Stands in for a value that JSON allows but this API does not."""

    __slots__ = ("detail",)

    def __init__(self, detail: str) -> None:
        self.detail = detail


class _Repeating(dict[str, Any]):
    """An object that had a key twice; JSON parsers disagree on which one counts (RFC 8259 section 4)."""

    repeated: frozenset[str]


def read_body() -> Body:
    """Read and parse the body of the current request.

    Raises UnsupportedBodyError, BodyTooLargeError, MalformedBodyError; InvalidRequestError if it nests too
    deep to be read at all.
    """
    _demand_json()
    return parsed(_raw())


def read_body_if_any() -> Body:
    """Read and parse the body of the current request, as `read_body` does; none at all is an empty object."""
    raw = _raw()
    if not raw:
        return Body({})
    _demand_json()
    return parsed(raw)


def _demand_json() -> None:
    if request.mimetype != "application/json":
        raise UnsupportedBodyError("Send the body as application/json.")
    demand_plain_text()


def demand_plain_text() -> None:
    """Refuse other character sets than UTF-8, and what is compressed. UnsupportedBodyError."""
    if request.mimetype_params.get("charset", "utf-8").lower() not in {"utf-8", "utf8"}:
        raise UnsupportedBodyError("Send the body in UTF-8.")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedBodyError("Compressed bodies are not read here.")


def _raw() -> bytes:
    """Return the bytes of the body. BodyTooLargeError, MalformedBodyError."""
    # One more than allowed: a chunked body, which has no length, is cut off there without an error.
    request.max_content_length = MAX_BYTES + 1
    try:
        raw = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise BodyTooLargeError(TOO_LARGE) from None
    except ClientDisconnected:
        raise MalformedBodyError("The body is shorter than its Content-Length.") from None
    if len(raw) > MAX_BYTES:
        raise BodyTooLargeError(TOO_LARGE)
    return raw


def parsed(raw: bytes) -> Body:
    """Parse `raw` as UTF-8 JSON. MalformedBodyError says where it breaks; the rest is in `problems`."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedBodyError(f"The body is not UTF-8 at byte {error.start + 1}.") from None
    flaws = _Hooks()
    try:
        value = json.loads(
            text,
            object_pairs_hook=flaws.pairs,
            parse_int=flaws.integer,
            parse_float=flaws.decimal,
            parse_constant=flaws.constant,
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise MalformedBodyError(f"The body is not valid JSON: {error.msg} at {where}.") from None
    except RecursionError:
        raise InvalidRequestError([FieldProblem("", TOO_DEEP)]) from None
    # Few bodies open enough brackets to nest too deep, so few are walked.
    if flaws.found or text.count("{") + text.count("[") > MAX_DEPTH or _SUSPECT_ESCAPE.search(raw):
        return Body(value, tuple(_limited(_problems(value))))
    return Body(value)


class _Hooks:
    """What the JSON parser calls; `found` says whether anything is to be looked for."""

    def __init__(self) -> None:
        self.found = False

    def pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        plain = dict(pairs)
        if len(plain) == len(pairs):
            return plain
        seen: set[str] = set()
        marked = _Repeating(plain)
        marked.repeated = frozenset(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        self.found = True
        return marked

    def integer(self, digits: str) -> int | _Flawed:
        # Also keeps int() from its quadratic time, and from its ValueError beyond 4,300 digits.
        if len(digits) <= _LONGEST_INT and -(2**63) <= (number := int(digits)) < 2**63:
            return number
        self.found = True
        return _Flawed(TOO_LONG)

    def decimal(self, digits: str) -> float | _Flawed:
        if math.isfinite(number := float(digits)):
            return number
        self.found = True
        return _Flawed(NOT_FINITE)

    def constant(self, _name: str) -> _Flawed:
        self.found = True
        return _Flawed(NOT_FINITE)


def _limited(problems: Iterator[FieldProblem]) -> Iterator[FieldProblem]:
    for _, problem in zip(range(MAX_PROBLEMS), problems, strict=False):
        yield problem


def _problems(root: object) -> Iterator[FieldProblem]:
    """Walk without recursion: the parser itself is the deeper of the two."""
    waiting: list[tuple[str, int, object]] = [("", 0, root)]
    while waiting:
        pointer, depth, value = waiting.pop()
        if isinstance(value, str):
            if not is_clean(value):
                yield FieldProblem(pointer, BAD_TEXT)
        elif isinstance(value, _Flawed):
            yield FieldProblem(pointer, value.detail)
        elif isinstance(value, dict | list):
            if depth == MAX_DEPTH:
                yield FieldProblem(pointer, TOO_DEEP)
                continue
            if isinstance(value, dict):
                yield from _key_problems(pointer, value)
            members = value.items() if isinstance(value, dict) else enumerate(value)
            inner = [(f"{pointer}/{escaped(key)}", depth + 1, member) for key, member in members]
            waiting.extend(reversed(inner))


def _key_problems(pointer: str, value: dict[str, Any]) -> Iterator[FieldProblem]:
    for key in value:
        if not is_clean(key):
            yield FieldProblem(f"{pointer}/{escaped(key)}", f"the name {BAD_TEXT}")
    if isinstance(value, _Repeating):
        for key in sorted(value.repeated):
            yield FieldProblem(f"{pointer}/{escaped(key)}", "is given more than once")


def is_clean(text: str) -> bool:
    """Whether `text` can be stored and sent anywhere: no NUL, no lone surrogate."""
    if "\0" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def escaped(token: str | int) -> str:
    """Return one reference token of a JSON Pointer (RFC 6901 section 3); overlong ones are cut."""
    text = str(token)[:100].encode("utf-8", "replace").decode("utf-8").replace("\0", "?")
    return text.replace("~", "~0").replace("/", "~1")


def pointer_to(*tokens: str | int) -> str:
    """Return the JSON Pointer of `tokens`."""
    return "".join(f"/{escaped(token)}" for token in tokens)


def refuse(pointer: str, detail: str) -> NoReturn:
    """Refuse the request for one field. InvalidRequestError."""
    raise InvalidRequestError([FieldProblem(pointer, detail)])
