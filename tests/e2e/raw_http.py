"""Requests byte by byte, as no HTTP library would send them, and the answers to them."""

import contextlib
import socket
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """What came back: the status (0: nothing), headers by lower-case name, and the body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def is_plain(self) -> bool:
        """Whether it neither leads elsewhere nor sets a cookie."""
        return not {"location", "set-cookie", "refresh"} & self.headers.keys()


def request(
    method: str, path: str, body: bytes = b"", headers: Sequence[str] = (), *, length: int | None = None
) -> bytes:
    """Return a request; `length` is what it says of the body's, -1 for nothing."""
    size = len(body) if length is None else length
    lines = [f"{method} {path} HTTP/1.1", "Host: notify.example", "Connection: close", *headers]
    if size >= 0 and (body or method not in {"GET", "HEAD", "OPTIONS"}):
        lines.append(f"Content-Length: {size}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def exchange(port: int, *pieces: bytes, hang_up: bool = False, seconds: float = 40) -> RawAnswer:
    """Send pieces, one after the other, and read the answer to its end; `hang_up` stops sending first."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        with contextlib.suppress(ConnectionError):  # refused early: the answer is there
            for piece in pieces:
                connection.sendall(piece)
        if hang_up:
            connection.shutdown(socket.SHUT_WR)
        return _read(connection)


def _read(connection: socket.socket) -> RawAnswer:
    received = bytearray()
    with contextlib.suppress(ConnectionError, TimeoutError):
        while piece := connection.recv(65_536):
            received += piece
    head, _, body = bytes(received).partition(b"\r\n\r\n")
    while head.startswith(b"HTTP/1.1 100"):
        head, _, body = body.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in rest if ": " in line)
    words = first.split(" ")
    return RawAnswer(int(words[1]) if len(words) > 1 else 0, headers, body)
