"""A real browser for tests: how it is started, how long it is waited for, and what serves it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

ARGUMENTS: Final = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
PATIENCE: Final = 30_000
"""Milliseconds that a page has to appear: no figure of ours, the machine may be busy."""


class _Quiet(WSGIRequestHandler):
    """Does not log."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - the name werkzeug gave it
        pass


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve an application on the loopback; yields its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
