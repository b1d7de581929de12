"""Reads what nobody wants of a request: ordinary clients look for the answer only when all is sent."""

import time
from contextlib import suppress
from typing import IO, Final

from flask import Flask, Response, request

MOST_BYTES: Final = 64_000_000
"""Bodies beyond this are cut off: their senders see a broken connection instead of the answer."""
MOST_SECONDS: Final = 20.0
_PIECE: Final = 65_536
_REFUSED_FROM: Final = 400


def drain_refused(app: Flask) -> None:
    """Read and throw away the rest of the body before `app` answers with an error."""
    app.after_request(_drain)


def _drain(response: Response) -> Response:
    # Who expects "100 Continue" has not sent the body yet, and need not. An input that does not end by itself
    # would block. Both go without.
    given = request.environ
    sends = bool(request.content_length) or "HTTP_TRANSFER_ENCODING" in given
    if response.status_code < _REFUSED_FROM or not sends or "HTTP_EXPECT" in given:
        return response
    if given.get("wsgi.input_terminated") and (request.content_length or 0) <= MOST_BYTES:
        with suppress(OSError):  # the sender has gone
            read_away(request.environ["wsgi.input"])
    return response


def read_away(source: IO[bytes]) -> None:
    """Read to the end, within bounds, and throw away. OSError where the sender has gone."""
    until = time.monotonic() + MOST_SECONDS
    left = MOST_BYTES
    while left > 0 and time.monotonic() < until and (piece := source.read(_PIECE)):
        left -= len(piece)
