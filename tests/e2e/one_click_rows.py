"""The rows of the one-click matrix: what is sent to a link, what must be answered, and whether it stops."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.e2e.raw_http import RawAnswer, exchange, request

URLENCODED: Final = "Content-Type: application/x-www-form-urlencoded"
ONE_CLICK: Final = b"List-Unsubscribe=One-Click"

_PART: Final = b'\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n'
MULTIPART: Final = b"--b0undary" + _PART + b"--b0undary--\r\n"
MALFORMED: Final = b"---FormBoundaryjWmhtjORrn" + _PART + b"---FormBoundaryjWmhtjORrn--\r\n"
"""As RFC 8058 section 8.3 has it: its delimiter lacks the two hyphens before the boundary."""

Send = Callable[[int, str], RawAnswer]
"""Takes the port and the path of somebody's link."""


@dataclass(frozen=True, slots=True)
class Row:
    """One request; `stops` says whether the preference must change by it. `link` names a link that is odd."""

    name: str
    send: Send
    status: int = 200
    stops: bool = True
    link: str = "own"


def post(body: bytes = b"", *headers: str, length: int | None = None, hang_up: bool = False) -> Send:
    """Return what posts a body to a link."""
    return lambda port, path: exchange(
        port, request("POST", path, body, headers, length=length), hang_up=hang_up
    )


def other(method: str, body: bytes = b"") -> Send:
    """Return what makes another request."""
    return lambda port, path: exchange(port, request(method, path, body))


def at(change: Callable[[str], str], method: str = "POST") -> Send:
    """Return what makes a one-click request to another spelling of the path."""
    return lambda port, path: exchange(port, request(method, change(path), ONE_CLICK, [URLENCODED]))


def chunked(port: int, path: str) -> RawAnswer:
    headers = [URLENCODED, "Transfer-Encoding: chunked"]
    head = request("POST", path, b"", headers, length=-1)
    return exchange(port, head, b"a\r\nList-Unsub\r\n", b"10\r\nscribe=One-Click\r\n", b"0\r\n\r\n")


def expecting(port: int, path: str) -> RawAnswer:
    head = request("POST", path, b"", [URLENCODED, "Expect: 100-continue"], length=len(ONE_CLICK))
    return exchange(port, head, ONE_CLICK)


def old(port: int, path: str) -> RawAnswer:
    head = f"POST {path} HTTP/1.0\r\n{URLENCODED}\r\nContent-Length: {len(ONE_CLICK)}\r\n\r\n"
    return exchange(port, head.encode() + ONE_CLICK)


def twice(port: int, path: str) -> RawAnswer:
    """Repeat a request; the second answer counts, and must be of the first's status and headers."""
    first, second = (exchange(port, request("POST", path, ONE_CLICK, [URLENCODED])) for _ in range(2))
    same = {name for name, value in first.headers.items() if second.headers.get(name) == value}
    differing = first.headers.keys() - same - {"date", "content-length", "x-request-id"}
    assert not differing, differing
    assert first.status == second.status
    return second


_ALIEN: Final = (
    "Cookie: session=somebody; csrf=1",
    "Origin: https://evil.example",
    "Referer: https://evil.example/page",
    "Sec-Fetch-Site: cross-site",
    "Authorization: Bearer nobody",
)


def _changed(path: str) -> str:
    """Return a path whose token differs in one character, in its middle."""
    middle = len(path) - 8
    return path[:middle] + ("A" if path[middle] != "A" else "B") + path[middle + 1 :]


HONOURED: Final = (
    Row("POST urlencoded (RFC 8058, 8.1)", post(ONE_CLICK, URLENCODED)),
    Row(
        "POST multipart (RFC 8058, 8.2)",
        post(MULTIPART, "Content-Type: multipart/form-data; boundary=b0undary"),
    ),
    Row(
        "POST multipart, malformed as in RFC 8058, 8.3",
        post(MALFORMED, "Content-Type: multipart/form-data; boundary=---FormBoundaryjWmhtjORrn"),
    ),
    Row("POST multipart without a boundary", post(MULTIPART, "Content-Type: multipart/form-data")),
    Row("POST, empty body", post(b"", URLENCODED)),
    Row("POST, no body, no Content-Length, no Content-Type", post(length=-1)),
    Row("POST, no Content-Type", post(ONE_CLICK)),
    Row("POST without List-Unsubscribe=One-Click", post(b"a=b", URLENCODED)),
    Row("POST List-Unsubscribe=Never", post(b"List-Unsubscribe=Never", URLENCODED)),
    Row("POST JSON", post(b'{"subscribed": true}', "Content-Type: application/json")),
    Row("POST broken JSON", post(b'{"', "Content-Type: application/json")),
    Row("POST XML", post(b"<a/>", "Content-Type: application/xml")),
    Row("POST binary", post(bytes(range(256)) * 40, "Content-Type: application/octet-stream")),
    Row("POST, Content-Type of nonsense", post(ONE_CLICK, "Content-Type: ;;=;")),
    Row("POST, Content-Encoding of nothing known", post(ONE_CLICK, URLENCODED, "Content-Encoding: x-odd")),
    Row("POST, 5 MB", post(b"x" * 5_000_000, URLENCODED)),
    Row("POST, 20 MB", post(b"x" * 20_000_000, URLENCODED)),
    Row("POST, chunked", chunked),
    Row("POST, Expect: 100-continue", expecting),
    Row("POST, HTTP/1.0", old),
    Row("POST, Content-Length too small", post(ONE_CLICK, URLENCODED, length=4)),
    Row("POST, alien cookie, Origin, Referer, Authorization", post(ONE_CLICK, URLENCODED, *_ALIEN)),
    Row("POST, slash at the end", at(lambda path: f"{path}/")),
    Row("POST, doubled slash before the token", at(lambda path: path.replace("/u/", "/u//"))),
    Row("POST, doubled slash at the start", at(lambda path: f"/{path}")),
    Row("POST, alien query", at(lambda path: f"{path}?utm_source=x&lang=xx")),
    Row("POST, repeated", twice),
    Row("POST …/all", at(lambda path: f"{path}/all")),
)

HARMLESS: Final = (
    Row("GET", other("GET"), 200, stops=False),
    Row("GET with a one-click body", other("GET", ONE_CLICK), 200, stops=False),
    Row("HEAD", other("HEAD"), 200, stops=False),
    Row("OPTIONS", other("OPTIONS"), 200, stops=False),
    Row("PUT", other("PUT", ONE_CLICK), 405, stops=False),
    Row("PATCH", other("PATCH", ONE_CLICK), 405, stops=False),
    Row("DELETE", other("DELETE"), 405, stops=False),
    Row("GET …/all", at(lambda path: f"{path}/all", "GET"), 405, stops=False),
)

FOREIGN: Final = (
    Row("POST, token of nobody", at(lambda _: f"/u/{uuid.uuid4().hex[:28]}"), 404, stops=False),
    Row("POST, one character changed", at(_changed), 404, stops=False),
    Row("POST, one character less", at(lambda path: path[:-1]), 404, stops=False),
    Row("POST, one character more", at(lambda path: f"{path}A"), 404, stops=False),
    Row("POST, = at the end", at(lambda path: f"{path}="), 404, stops=False),
    Row("POST, other case", at(lambda path: path.replace("/u/", "/U/").swapcase()), 404, stops=False),
    Row("POST, signed by another key", at(str), 404, stops=False, link="foreign key"),
)

ODD: Final = (
    Row("POST, link of a preview or test", at(str), 200, stops=False, link="preview"),
    Row("POST, topic no longer declared", at(str), 200, stops=False, link="topic gone"),
    Row("POST, person erased", at(str), 200, stops=False, link="erased"),
)

ROWS: Final = (*HONOURED, *HARMLESS, *FOREIGN, *ODD)
