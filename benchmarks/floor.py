"""(c) The floor: our own bodies, prebuilt, on a bare connection, and our own rows by bare COPY and UPDATE.

What a call for 1,000 people looks like is taken from a newsletter of the service itself; nothing is decided,
rendered, signed, encrypted or looked up here.
"""

import os
import time
from concurrent.futures import ProcessPoolExecutor
from http.client import HTTPConnection
from multiprocessing import get_context
from typing import Any, Final, NamedTuple

import psycopg

from benchmarks import newsletter
from benchmarks.bench import Bench
from benchmarks.figures import Figure
from benchmarks.stack import Stack
from notify.storage.tables import Message
from tests.loopback.sendgrid import SendGridLoopback

_CAMPAIGN: Final = 1_000_000_000
_CALL: Final = 1_000


class _Pattern(NamedTuple):
    """One call of the service, and the row of one of its messages as COPY writes it."""

    body: bytes
    headers: dict[str, str]
    columns: list[str]
    row: list[str]


def measure(bench: Bench, recipients: int) -> list[Figure]:
    """Return recipients a second, by one process and by two."""
    with SendGridLoopback() as loopback:
        own = {"SENDGRID_API_URL": loopback.url}
        with bench.stack(_CALL, own) as stack:
            pattern = _pattern(stack, loopback)
            port = int(bench.provider.environment["SENDGRID_API_URL"].rpartition(":")[2])
            figures = []
            for processes in (1, 2):
                bench.provider.forget()
                rate = _rate(stack, pattern, port, recipients, processes)
                label = f"{processes} process{'es' if processes > 1 else ''}"
                note = f"{len(pattern.body) / _CALL:,.0f} bytes a recipient, {_CALL:,} a call"
                figures.append(Figure("floor", label, rate, "recipients/s", "", note))
    bench.provider.forget()
    return figures


def _pattern(stack: Stack, loopback: SendGridLoopback) -> _Pattern:
    """Send a newsletter for one call, and keep what it looked like."""
    stack.start("web", "scheduler", "worker bulk")
    campaign = newsletter.create(stack)
    newsletter.schedule(stack, campaign)
    newsletter.await_sent(stack, campaign, 60)
    stack.stop("worker bulk", "scheduler", "web")
    call = max(loopback.received, key=lambda one: len(one.body))
    names = [column.name for column in Message.__table__.columns if column.name != "id"]
    one = f"SELECT {', '.join(names)} FROM messages WHERE address_hash IS NOT NULL LIMIT 1"  # noqa: S608
    with (
        psycopg.connect(_plain(stack)) as connection,
        connection.cursor().copy(f"COPY ({one}) TO STDOUT") as copy,
    ):
        row = b"".join(bytes(part) for part in copy).decode().rstrip("\n").split("\t")
    kept = {name: value for name, value in call.headers.items() if name in {"authorization", "content-type"}}
    return _Pattern(call.body, kept, names, row)


def _rate(stack: Stack, pattern: _Pattern, port: int, recipients: int, processes: int) -> float:
    """Send that many; return recipients a second from the first begin to the last end."""
    calls = recipients // _CALL // processes
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        jobs = [
            pool.submit(_send, _plain(stack), pattern, port, calls, time.time() + 5) for _ in range(processes)
        ]
        spans = [job.result() for job in jobs]
    return calls * processes * _CALL / (max(end for _, end in spans) - min(begun for begun, _ in spans))


def _send(url: str, pattern: _Pattern, port: int, calls: int, start_at: float) -> tuple[float, float]:
    """COPY a call's rows, post its body, update its dispatch; again and again, one after the other."""
    rows = [_rows(pattern) for _ in range(calls)]
    provider = HTTPConnection("127.0.0.1", port)
    provider.connect()
    with psycopg.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        time.sleep(max(0.0, start_at - time.time()))
        begun = time.time()
        for block in rows:
            dispatch = _one_call(cursor, pattern, block)
            provider.request("POST", "/v3/mail/send", pattern.body, pattern.headers)
            answer = provider.getresponse()
            answer.read()
            assert answer.status == 202, answer.status
            cursor.execute(
                "UPDATE dispatches SET phase = 'done', status = 'sent', settled_at = now(),"
                " provider_message_id = %s WHERE id = %s",
                (answer.headers["X-Message-Id"], dispatch),
            )
        return begun, time.time()


def _one_call(cursor: psycopg.Cursor[Any], pattern: _Pattern, block: bytes) -> int:
    with cursor.connection.transaction():
        cursor.execute(
            "INSERT INTO dispatches (lane, channel, phase, due_at, planned_at, attempt, lapses, size)"
            " VALUES ('bulk', 'email', 'calling', now(), now(), 1, 0, %s) RETURNING id",
            (_CALL,),
        )
        found = cursor.fetchone()
        assert found
        with cursor.copy(f"COPY messages ({', '.join(pattern.columns)}) FROM STDIN") as copy:
            copy.write(block)
    return int(found[0])


def _rows(pattern: _Pattern) -> bytes:
    """Write the rows of one call, each with an address hash of its own."""
    row = list(pattern.row)
    row[pattern.columns.index("campaign_id")] = str(_CAMPAIGN)
    place = pattern.columns.index("address_hash")
    before, after = "\t".join(row[:place]), "\t".join(row[place + 1 :])
    return "".join(f"{before}\t\\\\x{os.urandom(16).hex()}\t{after}\n" for _ in range(_CALL)).encode()


def _plain(stack: Stack) -> str:
    return stack.database_url.replace("+psycopg", "", 1)
