"""The loopback providers on one event loop: cheap enough to share a machine with what is measured."""

import asyncio
import socket
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson

from tests.loopback.mishaps import Mishap, Mishaps
from tests.loopback.server import RESET_ON_CLOSE, Fault, Received, Reply, bytes_of
from tests.loopback.tally import Messages, Tally

_MOST_CALLS: Final = 50_000
OnCall = Callable[[Received, int], None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer, the messages that go with it, and what is to be done if they are really taken."""

    reply: Reply
    messages: Messages = ()
    take: Callable[[], None] | None = None


class Api(ABC):
    """What a provider answers, and which messages a call asks for."""

    name: str

    @abstractmethod
    def answer(self, call: Received) -> Verdict:
        """Answer a call. It takes effect only by its verdict's `take`."""


class FastServer:
    """One provider at one port of 127.0.0.1."""

    def __init__(self, api: Api, tally: Tally, on_call: OnCall | None = None) -> None:
        """`on_call` is told of each call and the status of its answer."""
        self.api = api
        self.tally = tally
        self.latency = 0.0
        self.mishaps = Mishaps("", api.name)
        self.script: deque[Mishap | None] = deque()
        self.on_call = on_call
        self._server: asyncio.Server | None = None

    async def start(self, port: int) -> str:
        """Listen, at a free port where it is 0; return the URL."""
        loop = asyncio.get_running_loop()
        listener = socket.create_server(("127.0.0.1", port), backlog=1024)
        self._server = await loop.create_server(lambda: _Connection(self, loop), sock=listener)
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    def next_mishap(self) -> Mishap | None:
        """Return what happens to the call that comes in now."""
        return self.script.popleft() if self.script else self.mishaps()

    def control(self, call: Received) -> Reply | None:
        """Answer what the harness asks, at paths that begin with `/_`; None for the provider's own."""
        if not call.path.startswith("/_"):
            return None
        answer = {
            ("GET", "/_seen"): self._seen,
            ("POST", "/_seen"): lambda: self.tally.of_ids(call.json["ids"]),
            ("GET", "/_progress"): self.tally.progress,
            ("GET", "/_calls"): lambda: self._calls(**call.query),
            ("POST", "/_control"): lambda: self._set(call.json),
            ("POST", "/_forget"): self.tally.forget,
        }.get((call.method, call.path))
        return _json(answer()) if answer else Reply(404)

    def _seen(self) -> object:
        """Return all counts; the log is complete then."""
        self.tally.flush()
        return self.tally.summary()

    def _calls(self, after: str = "0", most: str = "50000") -> object:
        """Return a page of calls."""
        return self.tally.calls(int(after), min(int(most), _MOST_CALLS))

    def _set(self, wanted: Mapping[str, Any]) -> None:
        """Change latency, random faults and script while running."""
        if "latency_ms" in wanted:
            self.latency = wanted["latency_ms"] / 1e3
        if "faults" in wanted:
            slow = wanted.get("slow_seconds", 20.0)
            self.mishaps = Mishaps(wanted["faults"], self.api.name, wanted.get("seed", 0), slow)
        for one in wanted.get("script", ()):
            fields = dict(one or {})
            taken = fields.pop("taken", False)
            self.script.append(Mishap(Fault(**fields), taken) if one else None)


class _Connection(asyncio.Protocol):
    """One keep-alive connection; calls on it come one after the other."""

    def __init__(self, server: FastServer, loop: asyncio.AbstractEventLoop) -> None:
        self._server = server
        self._loop = loop
        self._number = 0
        self._buffer = bytearray()
        self._head: tuple[str, str, dict[str, str]] | None = None
        self._needed = 0
        self._mishap: Mishap | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.tally.connections += 1
        self._number = self._server.tally.connections

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._head or b"\r\n\r\n" in self._buffer:
            if self._head is None and not self._read_head():
                return
            if len(self._buffer) < self._needed or self._head is None:
                return
            method, target, headers = self._head
            body = bytes(memoryview(self._buffer)[: self._needed])
            del self._buffer[: self._needed]
            self._head = None
            path, _, query = target.partition("?")
            pairs = dict(parse_qsl(query)) if query else {}
            self._answer(Received(method, path, pairs, headers, body, self._number))

    def _read_head(self) -> bool:
        """Read a request's head; False if the connection is reset instead."""
        head, _, rest = self._buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self._buffer = rest
        self._head = (method, target, headers)
        self._needed = int(headers.get("content-length", "0"))
        self._mishap = None if target.startswith("/_") else self._server.next_mishap()
        if self._mishap and self._mishap.fault.reset == "before":
            self._server.tally.call(time.time(), 0, (), taken=False, length=0, served=0.0)
            self._reset()
            return False
        return True

    def _answer(self, call: Received) -> None:
        server = self._server
        control = server.control(call)
        if control is not None:
            self._transport.write(control.head() + control.body)
            return
        at, started, mishap = time.time(), time.perf_counter(), self._mishap
        verdict = server.api.answer(call)
        reply, messages = verdict.reply, verdict.messages
        taken = mishap is None or mishap.taken
        if taken and verdict.take:
            verdict.take()
        delay, status = server.latency, reply.status
        if mishap:
            fault = mishap.fault
            delay += fault.delay
            if fault.status is not None:
                reply, status = Reply(fault.status, bytes_of(fault.body), fault.headers), fault.status
            status = 0 if fault.reset or fault.raw is not None else status
        server.tally.begin()
        if server.on_call:
            server.on_call(call, status)
        served = time.perf_counter() - started
        server.tally.call(
            at, status, messages, taken=taken and bool(messages), length=len(call.body), served=served
        )
        if delay:
            self._loop.call_later(delay, self._write, reply, mishap)
        else:
            self._write(reply, mishap)

    def _write(self, reply: Reply, mishap: Mishap | None) -> None:
        self._server.tally.in_flight -= 1
        if self._transport.is_closing():
            return
        fault = mishap.fault if mishap else None
        if fault is None or not (fault.reset or fault.raw is not None or fault.cut):
            self._transport.write(reply.head() + reply.body)
            return
        if fault.reset:
            self._reset()
            return
        whole = reply.head() + reply.body
        # Without a body it breaks off in its first line: http.client takes a head without its end.
        half = whole[: len(whole) - len(reply.body) // 2 - 1] if reply.body else whole[:10]
        self._transport.write(fault.raw if fault.raw is not None else half)
        self._transport.close()

    def _reset(self) -> None:
        self._transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE
        )
        self._transport.abort()


def _json(content: object) -> Reply:
    return Reply(200, orjson.dumps(content), {"Content-Type": "application/json"})
