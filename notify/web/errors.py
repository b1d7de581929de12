"""Answers errors: problem+json (RFC 9457) for programs, pages for people."""

import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from math import ceil
from typing import Any, Final

from flask import Flask, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, NotFound

from notify.domain.errors import (
    FieldProblem,
    IdempotencyInProgressError,
    InvalidRequestError,
    NotifyError,
    TooManyRequestsError,
    UnavailableError,
)
from notify.web import request_ids
from notify.web.api.answers import JSON, answer
from notify.web.problem_kinds import INTERNAL, KINDS, OF_HTTP, Kind
from notify.web.refusals import ForbiddenError, UnauthenticatedError
from notify.web.unread_bodies import drain_refused

PROBLEM_JSON: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = 5
_OF_PROGRAMS: Final = ("/v1/", "/webhooks/")
_PROGRAMS_ASK: Final = frozenset({"/v1", "/webhooks", "/openapi.json", "/healthz", "/readyz", "/metrics"})
_BODILESS: Final = frozenset({"GET", "HEAD", "DELETE"})
_SUMMED_UP: Final = 3

_log = logging.getLogger(__name__)


Elsewhere = Callable[[HTTPException], ResponseReturnValue]


def install(app: Flask, elsewhere: Elsewhere) -> None:
    """Answer errors of API and webhooks as problems; those of pages go to `elsewhere`, as HTTPExceptions."""

    def on_domain_error(error: NotifyError) -> ResponseReturnValue:
        kind = kind_of(error)
        if kind is INTERNAL:
            return on_exception(error)
        if isinstance(error, UnavailableError):
            _log.warning("request answered 503", extra={"error": str(error)})
        if not _speaks_json():
            return elsewhere(_as_http(kind))
        return _dressed(error, problem_response(kind, problem_of(error)))

    def on_http_error(error: HTTPException) -> ResponseReturnValue:
        return _http_problem(error) if _speaks_json() or _is_lost_program(error) else elsewhere(error)

    def on_exception(error: Exception) -> ResponseReturnValue:
        _log.error("request failed: %s at %s", type(error).__name__, _where(error))
        return problem_response(INTERNAL) if _speaks_json() else elsewhere(_as_http(INTERNAL))

    drain_refused(app)
    app.register_error_handler(NotifyError, on_domain_error)
    app.register_error_handler(HTTPException, on_http_error)
    app.register_error_handler(Exception, on_exception)


def kind_of(error: NotifyError) -> Kind:
    """Return the kind of an error; an error no caller can cause is internal."""
    return next((KINDS[ancestor] for ancestor in type(error).__mro__ if ancestor in KINDS), INTERNAL)


def problem_of(error: NotifyError) -> dict[str, Any]:
    """Return the problem object of an error, without the request's id."""
    kind = kind_of(error)
    if isinstance(error, ForbiddenError):
        return problem(kind, f"The key needs the scope {' or '.join(error.scopes)}.")
    if isinstance(error, InvalidRequestError):
        entries = [_entry(item) for item in error.problems]
        return {**problem(kind, _summed_up(entries)), "errors": entries}
    return problem(kind, str(error) if kind.detail is None else kind.detail)


def problem_response(kind: Kind, body: Mapping[str, Any] | None = None) -> Response:
    """Return a problem as an answer that carries the request's id."""
    whole = {**(body or problem(kind, kind.detail or "")), "request_id": request_ids.current()}
    return answer(whole, kind.status, content_type=PROBLEM_JSON)


def problem(kind: Kind, detail: str) -> dict[str, Any]:
    """Return the problem object of a kind."""
    return {
        "type": f"/docs/problems#{kind.name}",
        "title": kind.title,
        "status": int(kind.status),
        "detail": detail,
    }


def _entry(item: FieldProblem) -> dict[str, str]:
    """A pointer is empty or starts with a slash; any other name is that of a parameter.

    Calls without a body can only have wrong parameters, whatever the use case took them for.
    """
    if request.method in _BODILESS or item.pointer[:1] not in {"", "/"}:
        return {"parameter": item.pointer.lstrip("/"), "detail": item.detail}
    return {"pointer": item.pointer, "detail": item.detail}


def _summed_up(entries: Sequence[Mapping[str, str]]) -> str:
    """Say what is wrong in one line, for those who read no further than `detail`."""
    shown = []
    for entry in entries[:_SUMMED_UP]:
        where = entry.get("pointer") or entry.get("parameter")
        detail = entry["detail"].rstrip(".")
        shown.append(f"{where}: {detail}" if where else f"The body {detail}")
    more = len(entries) - len(shown)
    return "; ".join(shown) + (f"; and {more} more." if more else ".")


def _dressed(error: NotifyError, response: Response) -> Response:
    """Add the headers that belong to some statuses."""
    if isinstance(error, UnauthenticatedError):
        why = ', error="invalid_token"' if error.key_given else ""
        response.headers["WWW-Authenticate"] = f'Bearer realm="notify"{why}'
    elif isinstance(error, ForbiddenError):
        scopes = " ".join(error.scopes)
        response.headers["WWW-Authenticate"] = (
            f'Bearer realm="notify", error="insufficient_scope", scope="{scopes}"'
        )
    elif isinstance(error, TooManyRequestsError):
        response.headers["Retry-After"] = str(ceil(error.retry_after.total_seconds()))
    elif isinstance(error, UnavailableError | IdempotencyInProgressError):
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _http_problem(error: HTTPException) -> Response:
    """Routing and protocol errors; those without a kind by the standard's words (RFC 9457 section 4.2.1)."""
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    kind = OF_HTTP.get(status)
    plain = {"type": "about:blank", "title": status.phrase, "status": int(status)}
    body = problem(kind, kind.detail or "") if kind else {**plain, "detail": status.description}
    response = answer({**body, "request_id": request_ids.current()}, status, content_type=PROBLEM_JSON)
    for name, value in error.get_headers():
        if name.lower() not in {"content-type", "content-length"}:
            response.headers[name] = value
    return response


def _as_http(kind: Kind) -> HTTPException:
    """The same refusal for the pages, which answer in their own way."""
    error = HTTPException(kind.detail)
    error.code = int(kind.status)
    return error


def _speaks_json() -> bool:
    """Whether a program asks: the API, a provider's webhook, a probe."""
    return request.path.startswith(_OF_PROGRAMS) or request.path.rstrip("/") in _PROGRAMS_ASK


def _is_lost_program(error: HTTPException) -> bool:
    """Whether a program asks for a path that is not there, as by its signs: people get a page."""
    accepts = request.accept_mimetypes
    return (
        isinstance(error, NotFound)
        and request.url_rule is None
        and (
            "Authorization" in request.headers
            or request.mimetype == JSON
            or accepts.quality(JSON) > accepts.quality("text/html")
        )
    )


def _where(error: Exception) -> str:
    """Return the places an error came through, without its text: that may hold personal data."""
    frames: Sequence[traceback.FrameSummary] = traceback.extract_tb(error.__traceback__)
    return " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[::-1][:12])
