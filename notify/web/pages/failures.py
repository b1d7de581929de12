"""What people see instead of a page when something is wrong."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from flask import Response, request
from werkzeug.exceptions import HTTPException

from notify.web.pages.languages import OTHER, language
from notify.web.pages.rendering import Pages, finish

_RETRY_AFTER_SECONDS: Final = 30
_KEPT: Final = frozenset({"allow", "retry-after"})
_LINKS: Final = frozenset({"unsubscribe", "centre"})


def failure_pages(pages: Pages) -> Callable[[HTTPException], Response]:
    """Return what answers an error anywhere but in the API; it says nothing of the cause."""

    def fail(error: HTTPException) -> Response:
        status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
        locale = language()
        switch = f"?lang={OTHER[locale]}" if request.method == "GET" else None
        text = f"error.{_words(status)}"
        response = pages.respond("error", locale, status=status, switch=switch, text=text)
        if status is HTTPStatus.SERVICE_UNAVAILABLE:
            response.headers["Retry-After"] = str(_RETRY_AFTER_SECONDS)
        for name, value in error.get_headers():
            if name.lower() in _KEPT:
                response.headers[name] = value
        return finish(response)

    return fail


def _words(status: HTTPStatus) -> str:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "unavailable"
    if status is HTTPStatus.METHOD_NOT_ALLOWED and request.method in {"GET", "HEAD"}:
        return "button"  # a phone that brings its tabs back asks for what a button led to
    if status is not HTTPStatus.NOT_FOUND:
        return "failed"
    if request.endpoint == "unsubscribe.take_back":
        return "undo"
    if request.blueprint == "confirm":
        return "confirm"
    return "link" if request.blueprint in _LINKS else "page"
