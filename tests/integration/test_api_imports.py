"""The import over HTTP: what it takes, how it answers, and what it refuses as a whole."""

from collections.abc import Iterable, Iterator

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from notify.web.imports import CSV, NDJSON
from tests.doubles_api import FakeApi, bearer

PATH = "/v1/recipients/import"


def post(client: FlaskClient, body: bytes, media_type: str = NDJSON, **headers: str) -> TestResponse:
    return client.post(PATH, data=body, content_type=media_type, headers={**bearer("recipients"), **headers})


class Sender:
    """A body that comes in pieces; `breaks` when they are through."""

    def __init__(self, pieces: Iterable[bytes], *, breaks: bool = False) -> None:
        self._pieces = iter(pieces)
        self._breaks = breaks

    def read(self, _size: int = -1) -> bytes:
        piece = next(self._pieces, b"")
        if not piece and self._breaks:
            raise ConnectionResetError
        return piece


def stream(client: FlaskClient, sender: Sender, length: str = "") -> TestResponse:
    """Post a body as a server passes it on: chunked, unless its length is told."""
    return client.post(
        PATH,
        content_type=NDJSON,
        headers=bearer("recipients"),
        environ_overrides={
            "wsgi.input": sender,
            "wsgi.input_terminated": True,
            "CONTENT_LENGTH": length,
            **({} if length else {"HTTP_TRANSFER_ENCODING": "chunked"}),
        },
    )


def test_answers_what_became_of_every_row(api: FakeApi, client: FlaskClient) -> None:
    answer = post(client, b'{"id": "C-1"}\n{"id": "awa@example.com"}\n\n{"id": "C-3"}')
    assert answer.status_code == 200
    assert answer.get_json() == {
        "accepted": 2,
        "refused": 1,
        "errors": [
            {
                "line": 2,
                "error": "/id: looks like an e-mail address; use the shop's own id, since ids appear in logs",
            }
        ],
        "errors_left_out": 0,
    }
    assert [one.recipient.id for one in api.imports.rows] == ["C-1", "C-3"]
    assert b"awa" not in answer.data


@pytest.mark.parametrize("media_type", [CSV, f"{CSV}; charset=UTF-8", "Text/CSV"])
def test_reads_a_table(api: FakeApi, client: FlaskClient, media_type: str) -> None:
    answer = post(client, b"\xef\xbb\xbfid;email\r\nC-1;awa@example.com\r\n", media_type)
    assert answer.get_json()["accepted"] == 1
    assert api.imports.rows[0].recipient.profile == {"email": "awa@example.com"}


def test_an_empty_file_is_no_error(client: FlaskClient) -> None:
    for media_type in (NDJSON, CSV):
        assert post(client, b"", media_type).get_json()["accepted"] == 0


def test_a_header_that_is_not_understood_refuses_the_file(api: FakeApi, client: FlaskClient) -> None:
    answer = post(client, b"id,emial\nC-1,awa@example.com\n", CSV)
    assert answer.status_code == 422
    assert answer.get_json()["errors"] == [
        {"pointer": "", "detail": "has a column that is not known here: number 2 of its first line"}
    ]
    assert api.imports.rows == []


@pytest.mark.parametrize(
    ("media_type", "headers"),
    [
        ("application/json", {}),
        ("", {}),
        ("application/vnd.ms-excel", {}),
        (f"{CSV}; charset=latin-1", {}),
        (CSV, {"Content-Encoding": "gzip"}),
    ],
)
def test_other_types_are_not_read(client: FlaskClient, media_type: str, headers: dict[str, str]) -> None:
    assert post(client, b'{"id": "C-1"}', media_type, **headers).status_code == 415


def test_a_file_has_its_own_limit(api: FakeApi, client: FlaskClient) -> None:
    row = b'{"id": "C-1"}' + b" " * 9_985 + b"\n"
    told = post(client, row * 101)
    assert told.status_code == 413
    assert "1,000,000 bytes" in told.get_json()["detail"]
    assert api.imports.rows == []
    assert stream(client, Sender([row] * 101)).status_code == 413
    assert 90 <= len(api.imports.rows) <= 100, "what came before the limit is kept"
    assert post(client, row * 100).get_json()["accepted"] == 100


def test_a_sender_who_breaks_off_gets_no_500(api: FakeApi, client: FlaskClient) -> None:
    first = b'{"id": "C-1"}\n{"id": "C-2"'
    answer = stream(client, Sender([first], breaks=True))
    assert (answer.status_code, answer.get_json()["detail"]) == (400, "The body broke off.")
    short = stream(client, Sender([first]), length="100")
    assert short.status_code == 400
    assert {one.recipient.id for one in api.imports.rows} == {"C-1"}


def test_the_key_needs_the_scope(client: FlaskClient) -> None:
    for scope, status in (("send", 403), ("admin", 200)):
        answer = client.post(PATH, data=b"", content_type=NDJSON, headers=bearer(scope))
        assert answer.status_code == status
    assert client.post(PATH, data=b"", content_type=NDJSON).status_code == 401


def test_a_body_is_read_while_it_comes_in(api: FakeApi, client: FlaskClient) -> None:
    """The reader never asks for more than one piece ahead of the rows it gave."""
    seen: list[int] = []

    def pieces() -> Iterator[bytes]:
        for number in range(5):
            seen.append(len(api.imports.rows))
            yield b'{"id": "C-%d"}\n' % number

    assert stream(client, Sender(pieces())).get_json()["accepted"] == 5
    assert seen == [0, 1, 2, 3, 4]
