"""An id for every request: on the answer, in the logs, in problems."""

import re
import secrets
from typing import Final

import structlog
from flask import Flask, Response, g, request

HEADER: Final = "X-Request-Id"

_SANE: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TRACE: Final = re.compile(r"(?=.*[a-f])[0-9a-f]{16,64}")
# Seven digits or more, however grouped, may be a phone or a card number.
_NUMBER: Final = re.compile(r"\d(?:[._-]?\d){6}")


def is_safe(text: str) -> bool:
    """Whether a caller's id may enter the logs: short, plain, and nothing that could be a person's number."""
    if _UUID.fullmatch(text) or _TRACE.fullmatch(text):
        return True
    return bool(_SANE.fullmatch(text)) and not _NUMBER.search(text)


def current() -> str | None:
    """Return the id of the request being answered."""
    found: str | None = g.get("request_id")
    return found


def install(app: Flask) -> None:
    """Give every request of `app` an id: the caller's own `X-Request-Id` if it is safe, else a random one."""
    app.before_request(_begin)
    app.after_request(_show)


def _begin() -> None:
    given = request.headers.get(HEADER, "")
    g.request_id = given if is_safe(given) else secrets.token_hex(8)
    # The thread may still carry what the request before it bound.
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _show(response: Response) -> Response:
    if (request_id := current()) is not None:
        response.headers[HEADER] = request_id
    return response
