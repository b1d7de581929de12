"""The HTTP connection against servers that answer in every way, and networks that do not."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from notify.providers.keep_alive import LONGEST_ANSWER, Endpoint
from notify.providers.names import Address, Names
from notify.providers.wire import Answer, BrokenCallError, NotSentError, connected
from tests.loopback.certificates import tls_pair
from tests.ports import free_port

TIMEOUT = 0.5
PATIENT = 15.0  # a busy machine keeps everybody waiting, and that is no time-out
Talk = Callable[[socket.socket], None]
OK = b"HTTP/1.1 200 OK\r\nX-Message-Id: m1\r\nContent-Length: 2\r\n\r\nok"


def request_of(wire: socket.socket) -> bytes:
    """Read one request, whose length is told; b"" at the end."""
    seen = b""
    while b"\r\n\r\n" not in seen:
        piece = wire.recv(65_536)
        if not piece:
            return b""
        seen += piece
    head, _, body = seen.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")), 0)
    while len(body) < length:
        body += wire.recv(65_536)
    return head + b"\r\n\r\n" + body


def saying(*answers: bytes) -> Talk:
    """Answer one request after the other, then close."""

    def talk(wire: socket.socket) -> None:
        for answer in answers:
            if not request_of(wire):
                return
            wire.sendall(answer)

    return talk


@contextmanager
def serving(*talks: Talk, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Give each connection to the next of `talks`; the URL is for calls."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):  # who called may hang up at any point
                for talk in talks:
                    wire, _ = listener.accept()
                    with tls.wrap_socket(wire, server_side=True) if tls else wire as ready:
                        talk(ready)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"{'https' if tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # wakes a thread that is in accept
            thread.join(timeout=5)


def call(endpoint: Endpoint, body: bytes = b"{}") -> Answer:
    return endpoint.call("POST", "http://any/v3/x?y=1", body, {"Authorization": "Bearer k"})


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\nTrailer: x\r\n\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        OK,
        CHUNKED,
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Folded: a\r\n b\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\ncontent-LENGTH:2\r\n\r\nok",
        b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",
    ],
)
def test_answers_after_which_the_connection_is_kept(answer: bytes) -> None:
    with serving(saying(answer, OK)) as url:
        endpoint = Endpoint(url, PATIENT)
        for _ in range(2):
            found = call(endpoint)
            assert (found.status, found.body) == (200, b"ok")
        endpoint.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ],
)
def test_answers_after_which_it_is_not(answer: bytes) -> None:
    with serving(saying(answer), saying(OK)) as url:
        endpoint = Endpoint(url, PATIENT)
        for _ in range(2):
            assert call(endpoint).body == b"ok"
        endpoint.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        OK + b"and more that nobody asked for",
        CHUNKED + b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother",
    ],
)
def test_an_open_connection_that_cannot_be_trusted_is_not_used(answer: bytes) -> None:
    """What comes after an answer would be taken for the next one."""
    with serving(saying(answer, OK.replace(b"ok", b"no")), saying(OK)) as url:
        endpoint = Endpoint(url, PATIENT)
        for _ in range(2):
            assert call(endpoint).body == b"ok"
        endpoint.close()


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 202 Accepted\r\nContent-Length: %d\r\n\r\n" % (LONGEST_ANSWER + 1),
        b"HTTP/1.1 202 Accepted\r\n\r\n",
    ],
)
def test_an_answer_without_end_is_known_by_its_head(head: bytes) -> None:
    """Whatever a provider says, a worker does not grow by it."""
    with serving(saying(head + bytes(LONGEST_ANSWER + 1))) as url:
        endpoint = Endpoint(url, PATIENT)
        found = call(endpoint)
        assert (found.status, found.body) == (202, None)
        endpoint.close()


def test_what_is_written() -> None:
    seen: list[bytes] = []

    def talk(wire: socket.socket) -> None:
        seen.append(request_of(wire))
        wire.sendall(OK)

    with serving(talk) as url:
        endpoint = Endpoint(url.replace("://", "://user:secret@"), PATIENT)
        answer = call(endpoint, b"[1]")
        endpoint.close()
    host = url.removeprefix("http://")
    head = f"POST /v3/x?y=1 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer k\r\nContent-Length: 3"
    assert seen == [f"{head}\r\n\r\n[1]".encode()]
    assert (answer.headers["x-message-ID"], answer.headers.get("missing")) == ("m1", None)
    assert dict(answer.headers) == {"x-message-id": "m1", "content-length": "2"}


@pytest.mark.parametrize(
    ("rest", "target"),
    [("", "/"), ("?key=1", "/?key=1"), ("?key=1?", "/?key=1?"), ("/hook?key=1", "/hook?key=1")],
)
def test_an_address_without_a_path_has_one_on_the_wire(rest: str, target: str) -> None:
    seen: list[bytes] = []

    def talk(wire: socket.socket) -> None:
        seen.append(request_of(wire))
        wire.sendall(OK)

    with serving(talk) as url:
        endpoint = Endpoint(url, PATIENT)
        endpoint.call("POST", f"{url}{rest}", b"", {})
        endpoint.close()
    assert seen[0].startswith(f"POST {target} HTTP/1.1\r\n".encode())


def test_an_answer_in_drops_comes_too_late() -> None:
    """Each byte comes in time, but not the answer."""

    def drip(wire: socket.socket) -> None:
        request_of(wire)
        for byte in OK:
            try:
                wire.sendall(bytes([byte]))
            except OSError:
                return
            time.sleep(0.05)

    with serving(drip) as url:
        started = time.monotonic()
        with pytest.raises(BrokenCallError, match="no answer in time") as caught:
            call(Endpoint(url, TIMEOUT))
        assert caught.value.timed_out
        assert time.monotonic() - started < 3 * TIMEOUT


@pytest.mark.parametrize("tls", [False, True])
def test_a_refusal_before_the_end_of_the_body_is_an_answer(tmp_path: Path, *, tls: bool) -> None:
    server_side, client_side = tls_pair(tmp_path)

    def refuse(wire: socket.socket) -> None:
        wire.recv(1_000)
        wire.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        time.sleep(0.1)

    with serving(refuse, tls=server_side if tls else None) as url:
        assert call(Endpoint(url, 5.0, tls=client_side), b"x" * 30_000_000).status == 413


def test_a_header_cannot_become_two() -> None:
    endpoint = Endpoint(f"http://127.0.0.1:{free_port()}", TIMEOUT)
    for value in ("a\r\nX-Other: b", "a\nb", "a\rb"):
        with pytest.raises(NotSentError, match="line break"):
            endpoint.call("POST", "/", b"", {"X-One": value})
    with pytest.raises(NotSentError, match="Latin-1"):
        endpoint.call("POST", "/", b"", {"X-One": "…"})


class Listed(Names):
    """A name with these addresses."""

    def __init__(self, *ports: int) -> None:
        super().__init__("any", 1)
        self._ports = ports

    def addresses(self, deadline: float) -> list[Address]:
        return [Address(socket.AF_INET, socket.SOCK_STREAM, 0, ("127.0.0.1", port)) for port in self._ports]


@contextmanager
def silent_port() -> Iterator[int]:
    """Yield a port whose queue is full: it answers nobody who knocks."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port: int = listener.getsockname()[1]
        queue = [socket.socket() for _ in range(4)]
        for one in queue:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        time.sleep(0.02)
        try:
            yield port
        finally:
            for one in queue:
                one.close()


def test_silent_addresses_share_the_time() -> None:
    with silent_port() as silent, socket.create_server(("127.0.0.1", 0)) as server:
        connected(Listed(silent, silent, server.getsockname()[1]), time.monotonic() + 3).close()
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            connected(Listed(*[silent] * 20), started + 0.3)
        assert time.monotonic() - started < 5  # 6, if each had all of it


def test_a_refused_address_leaves_its_time_to_the_next() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        connected(Listed(free_port(), server.getsockname()[1]), time.monotonic() + PATIENT).close()


class Resolver:
    """Looks up when it is let to."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.asked = 0

    def __call__(self, host: str, port: int, **_: object) -> list[tuple[Any, ...]]:
        self.asked += 1
        self.go.wait(5)
        if host == "nobody":
            raise socket.gaierror("no such name")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


def test_a_name_is_looked_up_once_for_all_threads() -> None:
    resolver = Resolver()
    names = Names("somebody", 80, resolver)
    with ThreadPoolExecutor(20) as pool:
        found = [pool.submit(names.addresses, time.monotonic() + 5) for _ in range(20)]
        resolver.go.set()
    assert {one.result()[0].where for one in found} == {("127.0.0.1", 80)}
    assert names.addresses(0.0) == found[0].result()
    assert resolver.asked == 1


def test_a_look_up_that_takes_too_long_is_not_waited_for() -> None:
    resolver = Resolver()
    names = Names("somebody", 80, resolver)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            names.addresses(time.monotonic() + 0.02)
    resolver.go.set()
    assert len(names.addresses(time.monotonic() + 5)) == 1
    assert resolver.asked == 1


def test_a_name_that_is_not_there_is_asked_for_again() -> None:
    resolver = Resolver()
    resolver.go.set()
    names = Names("nobody", 80, resolver)
    for _ in range(2):
        with pytest.raises(socket.gaierror):
            names.addresses(time.monotonic() + 5)
    assert resolver.asked == 2


def test_what_idled_too_long_is_closed_by_and_by() -> None:
    """A burst leaves many connections; those that are not needed any more do not stay open for good."""
    ended: list[socket.socket] = []
    together = threading.Barrier(3)

    def talk(wire: socket.socket, number: int) -> None:
        with wire, suppress(OSError):
            if number < together.parties:  # so many calls at once are as many connections
                together.wait(10)
            while request_of(wire):
                time.sleep(0.02)
                wire.sendall(OK)
        ended.append(wire)

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                for number in count():
                    wire, _ = listener.accept()
                    threading.Thread(target=talk, args=(wire, number), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        endpoint = Endpoint(f"http://127.0.0.1:{listener.getsockname()[1]}", 5.0, idle=0.2)
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda _: call(endpoint), range(3)))
        deadline = time.monotonic() + 20
        while len(ended) < 2:
            assert time.monotonic() < deadline
            assert call(endpoint).status == 200
        endpoint.close()
        listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that is in accept
