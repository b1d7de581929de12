"""Logs are JSON lines of all loggers, with the request's ids and without personal data."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from notify.logs import configure_logs, scrub


@pytest.fixture
def lines() -> Iterator["Lines"]:
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    structlog.contextvars.clear_contextvars()
    configure_logs("worker urgent", stream=stream)
    yield Lines(stream)
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


class Lines:
    def __init__(self, stream: io.StringIO) -> None:
        self.stream = stream

    def last(self) -> dict[str, Any]:
        line: dict[str, Any] = json.loads(self.stream.getvalue().splitlines()[-1])
        return line


def test_a_stdlib_record_is_one_json_line(lines: Lines) -> None:
    logging.getLogger("notify.anything").warning("Dispatch %s was late", 7, extra={"lane": "urgent"})
    line = lines.last()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "Dispatch 7 was late",
        "lane": "urgent",
        "level": "warning",
        "logger": "notify.anything",
        "role": "worker urgent",
    }


def test_ids_bound_to_the_context_stand_in_every_line(lines: Lines) -> None:
    with structlog.contextvars.bound_contextvars(request_id="20261123000001", message_id="msg_1"):
        logging.getLogger("anything").info("In a request")
    assert lines.last()["request_id"] == "20261123000001"
    assert lines.last()["message_id"] == "msg_1"


def test_structlog_and_stdlib_write_the_same_lines(lines: Lines) -> None:
    structlog.get_logger("notify.up").info("Started", child="web")
    assert lines.last()["child"] == "web"
    assert lines.last()["logger"] == "notify.up"


@pytest.mark.parametrize(
    "secret",
    [
        "awa.diop@example.com",
        "Awa.Diop+news@xn--exmple-cua.example",
        "josé@exämple.fr",
        "+221771234567",
        "+221 77 123 45 67",
        "0022577123456",
        "06 12 34 56 78",
        "06.12.34.56.78",
        "0712345678",
        "(202) 555-0134",
        "2250712345678",
    ],
)
@pytest.mark.parametrize("wrap", ["{}", "to <{}>, please", "number={}", "'{}'", "[{}]", '{{"to": "{}"}}'])
def test_addresses_and_numbers_are_struck_out(secret: str, wrap: str) -> None:
    assert secret not in scrub(wrap.format(secret))
    assert "[" in scrub(wrap.format(secret))


@pytest.mark.parametrize(
    "harmless",
    [
        "Started 3 processes in 1.25 s",
        "at 2026-11-23T10:00:00.123456Z",
        "2026-11-23 10:00:00",
        "job 9f2c1a7e-1234-4321-8888-1234567890ab",
        "listening on 127.0.0.1:8000",
        'File "/srv/notify/up.py", line 120, in run',
        "0x7f3a12345678",
        "order-9981 took 15000 ms",
    ],
)
def test_what_operators_need_stays(harmless: str) -> None:
    assert scrub(harmless) == harmless


def test_tokens_and_credentials_are_struck_out() -> None:
    assert scrub("GET https://n.example/u/AbC-_123?lang=fr") == "GET https://n.example/u/[token]?lang=fr"
    assert scrub("/preferences/AbC.123 failed") == "/preferences/[token] failed"
    assert scrub("/confirm/AbC123 failed") == "/confirm/[token] failed"
    assert scrub("/undo/AbC123 failed") == "/undo/[token] failed"
    assert scrub("Authorization: Bearer nk_live_abc") == "Authorization: Bearer [credential]"
    assert scrub("redis://:hunter2@db.example/0") == "redis://:[password]@db.example/0"


def test_tracebacks_and_nested_values_are_struck_out(lines: Lines) -> None:
    try:
        int("awa.diop@example.com")
    except ValueError:
        logging.getLogger("anything").exception(
            "Failed", extra={"to": ["+221771234567"], "who": {"phone": 221771234567}}
        )
    text = lines.stream.getvalue()
    assert "invalid literal" in text
    assert "awa.diop" not in text
    assert "77123" not in text


@pytest.mark.parametrize(
    "name", ["twilio.http_client", "python_http_client", "urllib3.connectionpool", "werkzeug"]
)
def test_loggers_that_print_bodies_and_paths_are_silent(lines: Lines, name: str) -> None:
    logging.getLogger(name).error("POST /u/token")
    assert lines.stream.getvalue() == ""


def test_a_request_is_told_in_the_same_words_as_everything_else() -> None:
    stream = io.StringIO()
    configure_logs("web", stream=stream)
    told = {"method": "POST", "route": "/u/<token>", "status": 200, "ms": 1.5}
    structlog.contextvars.bind_contextvars(request_id="r-1")
    try:
        logging.getLogger("notify.access").info("Request", extra=told)
        logging.getLogger("notify.other").info("Request", extra=told)
    finally:
        structlog.contextvars.clear_contextvars()
    request, other = (json.loads(line) for line in stream.getvalue().splitlines())
    assert request | {"logger": "", "timestamp": ""} == other | {"logger": "", "timestamp": ""}
    assert request["timestamp"].endswith("Z")
    assert other["timestamp"].endswith("Z")
