"""An import on the server that serves it: read while it comes in, in little memory, whoever breaks off."""

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from notify.bootstrap import Composition, build
from notify.settings import load_settings
from notify.storage.migrate import upgrade
from notify.up.programs import Address, stages
from notify.usecases.api_keys import KeyScope
from notify.usecases.recipients.import_recipients import BATCH
from tests.e2e.up_process import ENVIRONMENT, PATIENCE, wait_for
from tests.ports import free_port

MOST_KILOBYTES = 200_000


class Server:
    """The web server as `notify up` starts it, alone, on SQLite."""

    pid: int

    def __init__(self, parts: Composition, port: int, log: Path) -> None:
        self.parts = parts
        self.port = port
        self.log = log
        self.key = parts.create_key("test", frozenset({KeyScope.ADMIN}), test=False, expires_at=None)

    def stored(self) -> int:
        with self.parts.engine.connect() as connection:
            return connection.scalar(text("SELECT count(*) FROM recipients")) or 0

    def begin_import(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.putrequest("POST", "/v1/recipients/import")
        connection.putheader("Authorization", f"Bearer {self.key}")
        connection.putheader("Content-Type", "application/x-ndjson")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        return connection

    def healthy(self) -> bool:
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)) as connection:
                connection.request("GET", "/healthz")
                return connection.getresponse().status == http.HTTPStatus.OK
        except OSError:
            return False

    def kilobytes(self) -> int:
        """Return how much memory the largest of its processes holds."""
        table = subprocess.run(["ps", "-axo", "ppid=,rss="], capture_output=True, text=True, check=True)
        pairs = (map(int, line.split()) for line in table.stdout.splitlines())
        return max(size for parent, size in pairs if parent == self.pid)

    def imports(self) -> list[dict[str, Any]]:
        """Return what it logged of the imports that ended."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("route") == "/v1/recipients/import"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("import")
    settings = load_settings(directory)
    upgrade(settings.database_url)
    port, log = free_port(), directory / "web.log"
    (program,) = stages(settings, Address("127.0.0.1", port))[-1]
    with closing(build(settings)) as parts, log.open("wb") as output:
        found = Server(parts, port, log)
        process = subprocess.Popen(
            [sys.executable, *program.command[1:]],
            cwd=program.directory,
            env={**ENVIRONMENT, **program.environment},
            stderr=output,
        )
        found.pid = process.pid
        try:
            wait_for(found.healthy, PATIENCE, log.read_text)
            yield found
        finally:
            process.terminate()
            process.wait(20)


def send(connection: http.client.HTTPConnection, body: bytes) -> None:
    connection.send(b"%x\r\n%b\r\n" % (len(body), body))


def rows(first: int, count: int) -> bytes:
    return b"".join(
        b'{"id": "C-%d", "email": "awa.%d@example.com"}\n' % (number, number)
        for number in range(first, first + count)
    )


def test_thirty_megabytes_are_stored_while_they_come_in(server: Server) -> None:
    with closing(server.begin_import()) as connection:
        send(connection, rows(0, 2 * BATCH + 1))
        wait_for(lambda: server.stored() >= BATCH, PATIENCE, server.log.read_text)
        for _ in range(15):
            send(connection, b"x" * 2_000_000 + b"\n")
        send(connection, rows(2 * BATCH + 1, 1))
        send(connection, b"")
        answer = connection.getresponse()
        report = json.load(answer)
    assert (answer.status, report["accepted"], report["refused"]) == (200, 2 * BATCH + 2, 15)
    assert server.stored() == 2 * BATCH + 2
    assert server.kilobytes() < MOST_KILOBYTES


def test_a_sender_who_goes_away_leaves_nothing_behind(server: Server) -> None:
    before = server.stored()
    connection = server.begin_import()
    send(connection, rows(100_000, 2 * BATCH + 1) + b'{"id": "C-broken", "email": "awa@exam')
    wait_for(lambda: server.stored() > before, PATIENCE, server.log.read_text)
    imports = len(server.imports())
    connection.close()
    wait_for(lambda: len(server.imports()) > imports, PATIENCE, server.log.read_text)
    line = server.imports()[-1]
    assert line["status"] < http.HTTPStatus.INTERNAL_SERVER_ERROR
    assert server.healthy()
    assert server.stored() == before + 2 * BATCH + 1, "what came whole stays, and nothing else"
