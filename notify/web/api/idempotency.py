"""The `Idempotency-Key` header, and the canonical form of the request it stands for."""

import json
import re
from typing import Any, Final

from flask import request

from notify.domain.data_guard import violations
from notify.domain.requests import Idempotency
from notify.web.api.operations import Parameter, refuse_parameter

NAME: Final = "Idempotency-Key"

_TESTS: Final = "\t"
"""Before the keys of test callers; no key of anybody's begins with it."""

_KEY: Final = re.compile(r"[\x20-\x7e]{1,255}")

IDEMPOTENCY_KEY: Final = Parameter(
    NAME,
    "1 to 255 printable ASCII characters, kept for 7 days at least. The same key with the same body gets the"
    " same answer again and does nothing new; with another body it is refused (422).",
    {"type": "string", "minLength": 1, "maxLength": 255},
    place="header",
)


def canonical(method: str, path: str, body: object) -> bytes:
    """Return bytes that are equal for two requests that mean the same JSON, however it was written.

    Values that were refused, and so have no JSON of their own, count as equal.
    """
    text = json.dumps(
        body,
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=True,
        allow_nan=False,
        default=lambda _refused: None,
    )
    return f"{method} {path}\n{text}".encode("ascii")


def idempotency_of(body: Any, *, test: bool) -> Idempotency | None:  # noqa: ANN401 - JSON is anything
    """Return what the current request's key stands for; None without one. InvalidRequestError.

    `test`: the caller's API key is a test key. What it tried out is no answer to the same call in earnest.
    """
    key = request.headers.get(NAME)
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise refuse_parameter(NAME, "must be 1 to 255 printable ASCII characters")
    if violations(key):
        raise refuse_parameter(NAME, "looks like a payment card number or a wallet address")
    space = _TESTS if test else ""
    return Idempotency(space + key, canonical(request.method, request.path, body))
