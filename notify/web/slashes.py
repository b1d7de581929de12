"""Doubled slashes: the address of a page that was joined carelessly works, any other is not there."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from flask import Flask

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PAGES: Final = ("/u/", "/preferences/", "/undo/", "/confirm/")
_SLASHES: Final = re.compile("/{2,}")


def merge_slashes(app: Flask) -> None:
    """Read the paths of pages as if each slash stood alone, and redirect nobody: that would lose a POST.

    Elsewhere they stay: providers sign the addresses they post to, as they are.
    """
    app.url_map.merge_slashes = False  # else the router redirects, to whatever host the caller named
    app.wsgi_app = _Merging(app.wsgi_app)  # type: ignore[method-assign]


class _Merging:
    """Stands before the application."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if "//" in path and (merged := _SLASHES.sub("/", path)).startswith(_PAGES):
            environ["PATH_INFO"] = merged
        return self._app(environ, start_response)
