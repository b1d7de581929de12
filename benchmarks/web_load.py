"""Load on the web's three hot paths, by a client lean enough to share the machine with what it measures.

One thread, keep-alive connections, requests written out beforehand: a request costs the client some 15 µs. It
runs against a started stack, with the stack's own environment (the database gives it an API key and, for the
one-click links, messages to opt out of):

    python -m benchmarks.web_load single --url http://127.0.0.1:8000 --seconds 10 --connections 16
"""

import argparse
import json
import re
import selectors
import socket
import statistics
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy import text

from notify.bootstrap import Composition, build
from notify.domain.catalogue import Channel
from notify.domain.token_claims import OptOutClaim
from notify.settings import load_settings
from notify.usecases.api_keys import KeyScope

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_RECEIVED_AT_ONCE: Final = 262_144
_ITEMS: Final = 1_000
_MOST_WAITED_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured: `rate` is answers a second, times are in ms; `items` stand in one request."""

    rate: float
    p50: float
    p99: float
    longest: float
    statuses: Mapping[int, int]
    items: int = 1

    def __str__(self) -> str:
        """Say it in a line."""
        counts = ", ".join(f"{count} × {status}" for status, count in sorted(self.statuses.items()))
        rate = f"{self.rate:,.0f}/s" + (f" = {self.rate * self.items:,.0f} items/s" if self.items > 1 else "")
        return (
            f"{rate}, p50 {self.p50:.1f} ms, p99 {self.p99:.1f} ms, longest {self.longest:.0f} ms ({counts})"
        )


@dataclass(slots=True)
class _Line:
    """One keep-alive connection: what it waits for, and since when."""

    socket: socket.socket
    sent_at: float = 0.0
    received: bytearray = field(default_factory=bytearray)

    def ask(self, request: bytes) -> None:
        self.received.clear()
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def answered(self) -> int | None:
        """Take what came; return the answer's status once it is whole."""
        piece = self.socket.recv(_RECEIVED_AT_ONCE)
        if not piece:
            raise ConnectionError("the server closed a connection in mid-answer")
        self.received += piece
        head = self.received.find(b"\r\n\r\n")
        if head < 0:
            return None
        length = _LENGTH.search(self.received, 0, head)
        assert length, "every answer here has a length"
        return int(self.received[9:12]) if len(self.received) >= head + 4 + int(length[1]) else None


def run(url: str, requests: Iterable[bytes], *, connections: int, seconds: float, items: int = 1) -> Report:
    """Keep `connections` busy until time or requests run out; answers that come after that do not count."""
    parts = urlsplit(url)
    waiting = iter(requests)
    times: list[float] = []
    statuses: Counter[int] = Counter()
    lines = [_connected(parts.hostname or "", parts.port or 80) for _ in range(connections)]
    with selectors.DefaultSelector() as selector:
        begun = time.perf_counter()
        until, ended, open_lines = begun + seconds, begun, 0
        for line, request in zip(lines, waiting, strict=False):
            selector.register(line.socket, selectors.EVENT_READ, line)
            line.ask(request)
            open_lines += 1
        while open_lines:
            ready = selector.select(_MOST_WAITED_SECONDS)
            assert ready, "the server does not answer"
            for key, _ in ready:
                line = key.data
                if (status := line.answered()) is None:
                    continue
                now = time.perf_counter()
                if now <= until:
                    times.append(now - line.sent_at)
                    statuses[status] += 1
                    ended = now
                following = next(waiting, None) if now <= until else None
                if following is None:
                    open_lines -= 1
                else:
                    line.ask(following)
    for line in lines:
        line.socket.close()
    return _report(times, statuses, ended - begun, items)


def _connected(host: str, port: int) -> _Line:
    line = _Line(socket.create_connection((host, port), timeout=_MOST_WAITED_SECONDS))
    line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return line


def _report(times: Sequence[float], statuses: Mapping[int, int], seconds: float, items: int) -> Report:
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return Report(
        len(times) / seconds, cuts[49] * 1000, cuts[98] * 1000, max(times) * 1000, dict(statuses), items
    )


def post(path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """Write a POST out."""
    lines = [f"POST {path} HTTP/1.1", "Host: bench", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def order(run_id: str, number: int) -> dict[str, Any]:
    """Return an order update by e-mail, for a person of its own."""
    return {
        "template": "order_shipped",
        "recipient": {
            "id": f"B-{run_id}-{number}",
            "email": f"bench.{run_id}.{number}@example.com",
            "name": "Awa Diop",
            "locale": "fr",
            "country": "SN",
        },
        "data": {"order_number": f"9{number}", "tracking_url": f"https://example.com/t/9{number}"},
        "channels": ["email"],
        "reference": f"order-{run_id}-{number}",
    }


def single_orders(api_key: str, run_id: str, *, people: int | None = None) -> Iterator[bytes]:
    """Yield `POST /v1/notifications` without end, each with a key of its own; `people` come back in turn."""
    number = 0
    while True:
        number += 1
        body = order(run_id, number if people is None else number % people)
        headers = {
            "Authorization": f"Bearer {api_key}",
            "Content-Type": "application/json",
            "Idempotency-Key": str(uuid.uuid4()),
        }
        yield post("/v1/notifications", json.dumps(body).encode(), headers)


def batches(api_key: str, run_id: str) -> Iterator[bytes]:
    """Yield `POST /v1/notifications/batch` without end, of 1,000 people each."""
    headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"}
    first = 0
    while True:
        first += _ITEMS
        body = {"notifications": [order(run_id, first + number) for number in range(_ITEMS)]}
        given = {**headers, "Idempotency-Key": str(uuid.uuid4())}
        yield post("/v1/notifications/batch", json.dumps(body).encode(), given)


def one_clicks(parts: Composition, run_id: str, count: int) -> list[bytes]:
    """Return one-click POSTs (RFC 8058) for e-mails of that run, each of another person."""
    headers = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "bench"}
    query = text(
        "SELECT m.id, m.recipient_id, m.topic FROM messages m JOIN recipients r ON r.id = m.recipient_id"
        " WHERE r.external_id LIKE :mine AND m.channel = 'email' LIMIT :count"
    )
    with parts.engine.connect() as connection:
        rows = connection.execute(query, {"mine": f"B-{run_id}-%", "count": count}).all()
    claims = [OptOutClaim(person, topic, Channel.EMAIL, message) for message, person, topic in rows]
    body = b"List-Unsubscribe=One-Click"
    return [post(f"/u/{parts.tokens.opt_out(claim)}", body, headers) for claim in claims]


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement: against what, as whom, how long; `requests` bounds what is prepared, 0 does not."""

    parts: Composition
    url: str
    api_key: str
    run_id: str
    seconds: float
    connections: int
    requests: int

    def prepared(self, requests: Iterator[bytes], a_second: int) -> list[bytes]:
        """Write out more than can be asked for, unless that many a second are answered."""
        return list(islice(requests, self.requests or int(self.seconds * a_second)))

    def run(self, requests: Iterable[bytes], items: int = 1) -> Report:
        """Send them."""
        return run(self.url, requests, connections=self.connections, seconds=self.seconds, items=items)


def measure(scenario: str, url: str, *, seconds: float, connections: int, requests: int = 0) -> Report:
    """Prepare and run one of SCENARIOS; the settings of the stack are read from the environment."""
    parts = build(load_settings(), "benchmark")
    run_id = uuid.uuid4().hex[:8].translate(str.maketrans("0123456789", "ghijklmnop"))
    api_key = parts.create_key("benchmark", frozenset({KeyScope.SEND}), test=False, expires_at=None)
    try:
        return SCENARIOS[scenario](Run(parts, url, api_key, run_id, seconds, connections, requests))
    finally:
        parts.close()


def _single(one: Run) -> Report:
    return one.run(one.prepared(single_orders(one.api_key, one.run_id), 4_000))


def _known(one: Run) -> Report:
    run(one.url, islice(single_orders(one.api_key, one.run_id), _ITEMS), connections=8, seconds=600)
    return one.run(one.prepared(single_orders(one.api_key, one.run_id, people=_ITEMS), 4_000))


def _batch(one: Run) -> Report:
    return one.run(one.prepared(batches(one.api_key, one.run_id), 30), items=_ITEMS)


def _one_click(one: Run) -> Report:
    wanted = one.requests or int(one.seconds * 3_000)
    asked = islice(batches(one.api_key, one.run_id), wanted // _ITEMS + 1)
    run(one.url, asked, connections=2, seconds=600)
    return one.run(one_clicks(one.parts, one.run_id, wanted))


SCENARIOS: Final[Mapping[str, Callable[[Run], Report]]] = {
    "single": _single,
    "known": _known,
    "batch": _batch,
    "one-click": _one_click,
}
"""`single` orders of new people, of `known` people, in a `batch` of 1,000; `one-click` opt-outs."""


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print; 1 if anything but success was answered."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.web_load")
    parser.add_argument("scenario", choices=list(SCENARIOS))
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--requests", type=int, default=0, help="how many to prepare at most")
    given = parser.parse_args(words)
    report = measure(
        given.scenario,
        given.url,
        seconds=given.seconds,
        connections=given.connections,
        requests=given.requests,
    )
    print(f"{given.scenario}, {given.connections} connections: {report}")
    return int(any(status >= 300 for status in report.statuses))


if __name__ == "__main__":
    sys.exit(main())
