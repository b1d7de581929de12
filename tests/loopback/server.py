"""A threaded HTTP/1.1 server with keep-alive that records what it gets and fails on demand."""

import json
import socket
import ssl
import struct
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final, Literal, Self
from urllib.parse import parse_qsl, urlsplit

RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Fault:
    """How one call goes wrong. The first of `delay`, `reset`, `raw`, `status` that applies ends it.

    `delay`: seconds before the answer, which then is the usual one unless something else is asked for.
    `until`: the answer comes once this is set, or when `delay` is over.
    `reset`: the connection is reset before the request is read, or after it was taken.
    `raw`: these bytes instead of an answer, then the connection is closed.
    `status`, `body`, `headers`: this answer; `cut`: the connection closes half-way through its body.
    """

    status: int | None = None
    body: bytes | str | Mapping[str, Any] = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    until: threading.Event | None = None
    reset: Literal["before", "after"] | None = None
    raw: bytes | None = None
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Received:
    """One call as it came in. Header names are in lower case; `connection` counts from 1."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    connection: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to write."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def head(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {_phrase(self.status)}", f"Content-Length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def json_reply(status: int, content: object, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(
        status, json.dumps(content).encode(), {"Content-Type": "application/json", **(headers or {})}
    )


class HttpLoopback(ABC):
    """Listens on 127.0.0.1 within a `with`; subclasses say what the answers are."""

    def __init__(
        self,
        port: int = 0,
        *,
        tls: ssl.SSLContext | None = None,
        on_call: Callable[[Received, int], None] | None = None,
    ) -> None:
        """Port 0 takes a free one; `on_call` is told of each call and the status of its answer."""
        self.received: list[Received] = []
        self.connections = 0
        self._faults: deque[Fault | None] = deque()
        self._always: Fault | None = None
        self._port = port
        self._tls = tls
        self._on_call = on_call
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener: socket.socket

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", self._port), backlog=512)
        self._port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        # shutdown, because closing alone does not wake a thread that is in accept.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop_connections()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}"

    def script(self, *faults: Fault | None) -> None:
        """Let the next calls go this way, one each; None is a call that goes well."""
        self._faults.extend(faults)

    def always(self, fault: Fault | None) -> None:
        """Let all calls go this way once the script is over, until told otherwise."""
        self._always = fault

    def clear(self) -> None:
        """Forget the calls, and what is left of the script."""
        self.received.clear()
        self._faults.clear()
        self._always = None

    def drop_connections(self) -> None:
        """Close every open connection, as a front end does with idle ones."""
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    @abstractmethod
    def answer(self, call: Received) -> Reply:
        """Answer one call."""

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                number = self.connections
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        wire = connection
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls:
                wire = self._tls.wrap_socket(connection, server_side=True)
            with wire.makefile("rb") as stream:
                while self._one_call(wire, stream, number):
                    pass
        except (OSError, ValueError):
            pass
        finally:
            with self._lock:
                self._open.discard(connection)
            wire.close()
            connection.close()

    def _one_call(self, wire: socket.socket, stream: BinaryIO, number: int) -> bool:
        """Serve one call; False if the connection is to be closed."""
        first = stream.readline(65_537)
        if not first:
            return False
        fault = self._next_fault()
        if fault and fault.reset == "before":
            return self._reset(wire)
        call = _read_call(first, stream, number)
        self.received.append(call)
        replaced = fault is not None and (fault.raw is not None or fault.status is not None)
        reply = Reply(0) if replaced else self.answer(call)
        if fault:
            if fault.until:
                fault.until.wait(fault.delay)
            else:
                time.sleep(fault.delay)
            if fault.reset:
                return self._reset(wire)
            if fault.raw is not None:
                wire.sendall(fault.raw)
                return False
            if fault.status is not None:
                reply = Reply(fault.status, bytes_of(fault.body), fault.headers)
        if self._on_call:
            self._on_call(call, reply.status)
        if fault and fault.cut:
            wire.sendall(reply.head() + reply.body[: len(reply.body) // 2])
            return False
        wire.sendall(reply.head() + reply.body)
        return call.headers.get("connection", "").lower() != "close"

    def _next_fault(self) -> Fault | None:
        try:
            return self._faults.popleft()
        except IndexError:
            return self._always

    @staticmethod
    def _reset(wire: socket.socket) -> bool:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        return False


def _read_call(first: bytes, stream: BinaryIO, number: int) -> Received:
    method, target, _ = first.decode("latin-1").split(" ", 2)
    headers: dict[str, str] = {}
    while (line := stream.readline(65_537)) not in {b"\r\n", b"\n", b""}:
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", "0")))
    path, query = target, ""
    if "?" in target:
        parts = urlsplit(target)
        path, query = parts.path, parts.query
    return Received(method, path, dict(parse_qsl(query)), headers, body, number)


def bytes_of(body: bytes | str | Mapping[str, Any]) -> bytes:
    if isinstance(body, bytes):
        return body
    return (body if isinstance(body, str) else json.dumps(body)).encode()


def _phrase(status: int) -> str:
    return {200: "OK", 201: "Created", 202: "Accepted"}.get(status, "Because")
