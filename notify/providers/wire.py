"""One HTTP/1.1 connection (RFC 9112) that knows whether a request can have arrived, and keeps to a deadline.

A plain answer is read right here: the standard library takes longer over its head than the whole call
needs otherwise. Whatever is out of the ordinary is left to `http.client`.
"""

import contextlib
import http.client
import io
import re
import select
import socket
import ssl
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Self

from notify.providers.names import Names

_CHUNK: Final = 65_536
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.1 ([2-5]\d\d)(?: [^\r\n]*)?")
_MOST_DIGITS: Final = 18
_WITHOUT_BODY: Final = frozenset({204, 304})


class NotSentError(Exception):
    """The request certainly did not arrive: no connection, or it could not be written in whole."""


class BrokenCallError(Exception):
    """The request went out and no answer came back; `timed_out` if none came in time."""

    def __init__(self, reason: str, *, timed_out: bool = False) -> None:
        super().__init__(reason)
        self.timed_out = timed_out


class Headers(Mapping[str, str]):
    """The header fields of an answer; names are looked up in any case, values of one name joined."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[str, str]) -> None:
        """`fields` by name in lower case."""
        self._fields = fields

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer. `headers` looks names up in any case; `body` is None if it broke off or is too long."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None


class Connection:
    """An open connection, for one call at a time; deadlines are monotonic."""

    def __init__(self, wire: socket.socket) -> None:
        self._wire = wire
        self._poll = select.poll()
        self._poll.register(wire, select.POLLIN)
        self.used_at = time.monotonic()
        self.reusable = True

    @classmethod
    def open(cls, names: Names, tls: ssl.SSLContext | None, host: str, deadline: float) -> Self:
        """Look up, connect, and shake hands where `tls` is given; NotSentError."""
        try:
            wire = connected(names, deadline)
        except OSError as error:
            raise NotSentError(_why_no_connection(error)) from None
        try:
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls:
                wire.settimeout(left(deadline))
                wire = tls.wrap_socket(wire, server_hostname=host)
            return cls(wire)
        except (OSError, ValueError) as error:
            wire.close()
            raise NotSentError(_why_no_connection(error)) from None

    def alive(self) -> bool:
        """Whether the far side has neither closed it nor said anything unasked."""
        return not self._poll.poll(0)

    def close(self) -> None:
        """Close it."""
        self._wire.close()

    def exchange(self, method: str, request: bytes, deadline: float, *, longest: int) -> Answer:
        """Write the request and read the answer. NotSentError, BrokenCallError: not to be used again then.

        No body of more than `longest` bytes is read.
        """
        self.reusable = False
        source = _Source(self._wire, deadline)
        try:
            self._write(request, deadline)
        except OSError as error:
            return self._early(source, error, longest)
        try:
            answer = self._plain(source, longest) or self._odd(source, method, longest)
        except TimeoutError:
            raise BrokenCallError("no answer in time", timed_out=True) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise BrokenCallError(f"the call broke off ({type(error).__name__})") from None
        self.used_at = time.monotonic()
        return answer

    def _write(self, request: bytes, deadline: float) -> None:
        """Write all of it; OSError leaves the far side without a whole request."""
        wire = self._wire
        wire.settimeout(left(deadline))
        if not isinstance(wire, ssl.SSLSocket):
            wire.sendall(request)
            return
        # TLS sends a record at a time, each of which would have the whole time.
        rest = memoryview(request)
        while rest:
            rest = rest[wire.send(rest) :]
            if rest:
                wire.settimeout(left(deadline))

    def _early(self, source: "_Source", error: OSError, longest: int) -> Answer:
        """Return the refusal of a server that did not wait for the end of the request; NotSentError."""
        if isinstance(error, TimeoutError):
            raise NotSentError("the request could not be written in time") from None
        with contextlib.suppress(OSError):
            answer = self._plain(source, longest)
            if answer and answer.status >= HTTPStatus.BAD_REQUEST:
                self.reusable = False
                return answer
        reason = f"the connection ended before the request was written ({type(error).__name__})"
        raise NotSentError(reason) from None

    def _plain(self, source: "_Source", longest: int) -> Answer | None:
        """Read the usual kind of answer, of a known length; None for any other, with nothing lost."""
        while (end := source.seen.find(b"\r\n\r\n")) < 0:
            if len(source.seen) > _CHUNK or not source.more():
                return None
        first, *lines = bytes(source.seen[:end]).split(b"\r\n")
        status = _STATUS_LINE.fullmatch(first)
        fields = _fields(lines)
        length = fields.get("content-length", "") if fields else ""
        if not status or not fields or "transfer-encoding" in fields or not _is_number(length):
            return None
        code, stop = int(status[1]), end + 4 + int(length)
        if code in _WITHOUT_BODY:
            return None
        headers = Headers(fields)
        if int(length) > longest or not source.filled(stop):
            return Answer(code, headers, None)
        self.reusable = len(source.seen) == stop and fields.get("connection", "").lower() != "close"
        return Answer(code, headers, bytes(source.seen[end + 4 : stop]))

    def _odd(self, source: "_Source", method: str, longest: int) -> Answer:
        """Leave it to the standard library: chunks, an end at the close, older versions, nonsense."""
        response = http.client.HTTPResponse(source, method=method)  # type: ignore[arg-type]  # as a socket
        with response:
            response.begin()
            fields: dict[str, str] = {}
            for name, value in response.getheaders():
                known = fields.get(name.lower())
                fields[name.lower()] = value if known is None else f"{known}, {value}"
            try:
                body = _body(response, longest)
            except (OSError, http.client.HTTPException, ValueError):
                body = None
            self.reusable = body is not None and not response.will_close and not source.seen
        return Answer(response.status, Headers(fields), body)


def _body(response: http.client.HTTPResponse, longest: int) -> bytes | None:
    """Read a body; None if there is more of it than `longest`, which is left unread."""
    body = response.read(longest + 1)
    return body if len(body) <= longest else None


class _Source:
    """What the far side has said and nobody has read yet."""

    def __init__(self, wire: socket.socket, deadline: float) -> None:
        self._wire = wire
        self._deadline = deadline
        self.seen = bytearray()

    def more(self) -> bool:
        """Read another piece; False at the end. OSError, TimeoutError at the deadline."""
        self._wire.settimeout(left(self._deadline))
        piece = self._wire.recv(_CHUNK)
        self.seen += piece
        return bool(piece)

    def filled(self, size: int) -> bool:
        """Read until there are `size` bytes; False if it broke off before."""
        try:
            while len(self.seen) < size:
                if not self.more():
                    return False
        except OSError:
            return False
        return True

    def makefile(self, *_: object) -> "_File":
        """Return it as a file, as `http.client` asks a socket for it."""
        return _File(self)


class _File(io.RawIOBase):
    """Reads from a source, and not a byte more than it is asked for."""

    def __init__(self, source: _Source) -> None:
        self._source = source

    def readable(self) -> bool:
        """Whether it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer
        """Read what there is."""
        piece = self._take(len(buffer)) if self._source.seen or self._source.more() else b""
        buffer[: len(piece)] = piece
        return len(piece)

    def read(self, size: int | None = -1, /) -> bytes:
        """Read `size` bytes, fewer only at the end; all without it."""
        wanted = sys.maxsize if size is None or size < 0 else size
        while len(self._source.seen) < wanted and self._source.more():
            pass
        return self._take(wanted)

    def readline(self, size: int | None = -1, /) -> bytes:
        """Read a line, or `size` bytes of it."""
        wanted = sys.maxsize if size is None or size < 0 else size
        seen = self._source.seen
        while (end := seen.find(b"\n")) < 0 and len(seen) < wanted and self._source.more():
            pass
        return self._take(min(wanted, end + 1 if end >= 0 else len(seen)))

    def _take(self, size: int) -> bytes:
        seen = self._source.seen
        piece = bytes(seen[:size])
        del seen[:size]
        return piece


def _fields(lines: list[bytes]) -> dict[str, str] | None:
    """Read simple header lines; None where one is folded, malformed, or a length is said twice."""
    fields: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or not name or name != name.strip():
            return None
        key = name.lower()
        if key in fields:
            if key == "content-length":
                return None
            fields[key] += f", {value.strip()}"
        else:
            fields[key] = value.strip()
    return fields


def _is_number(text: str) -> bool:
    """Whether it is the length of something: Python refuses to read a number of thousands of digits."""
    return text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS


def left(deadline: float) -> float:
    """Return the seconds until a deadline; TimeoutError if it has passed."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def connected(names: Names, deadline: float) -> socket.socket:
    """Connect to the first address that answers; each gets its share of the time. OSError."""
    addresses = names.addresses(deadline)
    failure: OSError = TimeoutError()
    for place, address in enumerate(addresses):
        wire = socket.socket(address.family, address.kind, address.protocol)
        try:
            wire.settimeout(left(deadline) / (len(addresses) - place))
            wire.connect(address.where)
        except OSError as error:
            wire.close()
            failure = error
        else:
            return wire
    raise failure


_NO_CONNECTION: Final[tuple[tuple[type[Exception], str], ...]] = (
    (ssl.SSLError, "TLS failed"),
    (socket.gaierror, "the name cannot be looked up"),
    (ConnectionRefusedError, "connection refused"),
    (TimeoutError, "no connection in time"),
)
"""The first that fits; all are OSErrors. Texts of our own, since theirs may hold addresses."""


def _why_no_connection(error: Exception) -> str:
    # A certificate's failure is an SSLError; a handshake that takes too long is both.
    if isinstance(error, TimeoutError):
        return "no connection in time"
    known = next((text for kind, text in _NO_CONNECTION if isinstance(error, kind)), None)
    return known or f"no connection ({type(error).__name__})"
