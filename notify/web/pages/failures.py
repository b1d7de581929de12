"""What people see instead of a page when something is wrong."""

from collections.abc import Callable

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from notify.domain.errors import InvalidTokenError, NotFoundError, UnavailableError
from notify.web.pages.languages import OTHER, language
from notify.web.pages.rendering import Pages, finish

_RETRY_AFTER = "30"


def failure_page(pages: Pages, status: int, text: str = "failed") -> Response:
    """Return the page for an HTTP status; `text` names its words, under `error` in the language files."""
    locale = language()
    switch = f"?lang={OTHER[locale]}" if request.method == "GET" else None
    return pages.respond("error", locale, status=status, switch=switch, text=f"error.{text}")


def furnish(blueprint: Blueprint, pages: Pages, *, unknown: str = "link") -> None:
    """Give a blueprint of pages its headers and its error pages; `unknown` names the words of its 404."""

    def not_found(_error: Exception) -> Response:
        return failure_page(pages, 404, unknown)

    def unavailable(_error: Exception) -> Response:
        response = failure_page(pages, 503, "unavailable")
        response.headers["Retry-After"] = _RETRY_AFTER
        return response

    def http(error: HTTPException) -> Response:
        return failure_page(pages, error.code or 500)

    handlers: dict[type[Exception], Callable[..., Response]] = {
        InvalidTokenError: not_found,
        NotFoundError: not_found,
        UnavailableError: unavailable,
        HTTPException: http,
    }
    for error, handler in handlers.items():
        blueprint.register_error_handler(error, handler)
    blueprint.after_request(finish)
