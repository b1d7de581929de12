"""The loopback providers in a process of their own: what benchmarks and the chaos suite count by."""

import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from notify.domain.errands import ErrandError
from notify.domain.events import EventKind, ProviderEvent
from notify.domain.outcome import Accepted, Ambiguous, Refused, Transient
from notify.domain.sms_mirroring import Told
from notify.logs import scrub
from notify.providers import sendgrid_events, twilio_events
from notify.providers.sendgrid import SendGridProvider
from notify.providers.sendgrid_erasure import SendGridErasure
from notify.providers.twilio import TwilioProvider
from notify.providers.twilio_consents import TwilioConsents
from tests.contract.outgoing import an_email, an_sms

TOKEN = "12345"


class Loopback:
    """The running process: its addresses, and questions to it."""

    def __init__(self, process: "subprocess.Popen[str]", lines: int) -> None:
        assert process.stderr is not None
        said = dict(process.stderr.readline().strip().split(": ") for _ in range(lines))
        self.sendgrid, self.twilio = said["SendGridLoopback"], said["TwilioLoopback"]
        self.public_key = said.get("SENDGRID_WEBHOOK_PUBLIC_KEY", "")

    def ask(self, path: str, body: object = None, *, of: str | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{of or self.sendgrid}{path}", data) as answer:
            return json.loads(answer.read())


@contextmanager
def loopback(*options: str, lines: int = 2) -> Iterator[Loopback]:
    command = [
        sys.executable,
        "-m",
        "tests.loopback",
        "--sendgrid-port",
        "0",
        "--twilio-port",
        "0",
        "--quiet",
    ]
    with subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True) as process:
        try:
            yield Loopback(process, lines)
        finally:
            process.terminate()


@pytest.fixture(scope="module", params=[(), ("--quick",)])
def server(request: pytest.FixtureRequest) -> Iterator[Loopback]:
    with loopback(*request.param) as running:
        yield running


@pytest.fixture
def email(server: Loopback) -> Iterator[SendGridProvider]:
    server.ask("/_forget", {})
    made = SendGridProvider("SG.key", server.sendgrid, 0.5)
    yield made
    made.close()


def test_each_message_is_counted(server: Loopback, email: SendGridProvider) -> None:
    email.send([an_email(number) for number in range(1_500)])
    email.send([an_email(3)])
    seen = server.ask("/_seen")
    assert (seen["calls"], seen["messages"], seen["taken"]) == (3, 1_501, 1_501)
    assert (seen["distinct"], seen["doubled"], seen["addresses_doubled"]) == (1_500, 1, 1)
    assert sum(seen["taken_each_second"]) == 1_501
    assert server.ask("/_progress") == {"calls": 3, "taken": 1_501, "in_flight": 0}
    assert [row[1] for row in server.ask("/_calls")] == [1_000, 500, 1]
    of_ids = server.ask("/_seen", {"ids": ["msg_3", "msg_4", "msg_none"]})
    assert {ref: (one["calls"], one["taken"]) for ref, one in of_ids.items()} == {
        "msg_3": (2, 2), "msg_4": (1, 1), "msg_none": (0, 0)
    }  # fmt: skip


def test_what_is_refused_is_not_taken(server: Loopback, email: SendGridProvider) -> None:
    fault = {"status": 503, "body": "busy"}
    server.ask("/_control", {"script": [fault, {"reset": "before"}, {"reset": "after"}, {"raw": "junk"}]})
    outcomes = [email.send([an_email(number)])[0] for number in range(5)]
    assert [type(one) for one in outcomes] == [Transient, Ambiguous, Ambiguous, Ambiguous, Accepted]
    seen = server.ask("/_seen")
    assert (seen["calls"], seen["taken"]) == (5, 1)


def test_what_was_taken_is_counted_though_nobody_was_told(server: Loopback, email: SendGridProvider) -> None:
    lost = {"reset": "after", "taken": True}
    server.ask("/_control", {"script": [lost, {"cut": True, "taken": True}, {"delay": 0.7, "taken": True}]})
    assert [type(email.send([an_email(number)])[0]) for number in range(3)] == [Ambiguous] * 3
    assert (server.ask("/_seen")["taken"], server.ask("/_seen")["calls"]) == (3, 3)


def test_faults_at_random_are_the_same_again(server: Loopback, email: SendGridProvider) -> None:
    def outcomes() -> list[str]:
        server.ask("/_control", {"faults": "429:0.3,lost:0.2,500:0.1", "seed": 5})
        return [type(email.send([an_email(number)])[0]).__name__ for number in range(40)]

    first, again = outcomes(), outcomes()
    server.ask("/_control", {"faults": ""})
    assert first == again
    assert set(first) == {"Accepted", "Transient", "Ambiguous"}


def test_latency_does_not_stop_others(server: Loopback) -> None:
    server.ask("/_control", {"latency_ms": 300})
    provider = SendGridProvider("SG.key", server.sendgrid)
    threads = [threading.Thread(target=provider.send, args=([an_email(number)],)) for number in range(10)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - started
    provider.close()
    server.ask("/_control", {"latency_ms": 0})
    assert 0.3 <= took < 2.5  # 3, one after the other


def test_sms_are_listed_and_counted_by_their_links(server: Loopback) -> None:
    provider = TwilioProvider("AC1", TOKEN, server.twilio, 1.0)
    assert isinstance(provider.send([an_sms(1)])[0], Accepted)
    assert isinstance(provider.send([an_sms(2, to="nobody")])[0], Refused)
    server.ask("/_control", {"script": [{"reset": "after", "taken": True}]}, of=server.twilio)
    assert isinstance(provider.send([an_sms(3)])[0], Ambiguous)
    found = provider.find(an_sms(3).to, "https://example.com/u/token3", datetime.now(UTC))
    provider.close()
    assert found is not None
    of_ids = server.ask("/_seen", {"ids": ["token1", "token2", "token3"]}, of=server.twilio)
    assert [one["taken"] for one in of_ids.values()] == [1, 0, 1]


def test_consents_are_heeded(server: Loopback) -> None:
    wrong = TwilioConsents("AC1", "", server.twilio)
    consents = TwilioConsents("AC1", TOKEN, server.twilio)
    provider = TwilioProvider("AC1", TOKEN, server.twilio, 1.0)
    sms = an_sms(4, sender="+221338001020")
    told = Told("0" * 32, sms.to, sms.sender, opted_out=True, source="website", at="2026-11-23T12:00:00Z")
    with pytest.raises(ErrandError) as refused:
        wrong.tell([told])
    assert scrub(str(refused.value)) == "Twilio answered 401, error 20003"  # as the log has it
    server.ask("/_control", {"script": [{"status": 503}]}, of=server.twilio)
    with pytest.raises(ErrandError):
        consents.tell([told])
    assert isinstance(provider.send([sms])[0], Accepted)
    consents.tell([told])
    assert isinstance(provider.send([sms])[0], Refused)
    consents.tell([replace(told, opted_out=False)])
    assert isinstance(provider.send([sms])[0], Accepted)
    for one in (wrong, consents, provider):
        one.close()


def test_an_erasure_is_taken(server: Loopback) -> None:
    erasure = SendGridErasure("SG.key", server.sendgrid)
    erasure({"addresses": ["awa@example.com", "a@b"]})
    nobody = SendGridErasure("", server.sendgrid)
    with pytest.raises(ErrandError, match="401"):
        nobody({"addresses": ["awa@example.com"]})
    erasure.close()
    nobody.close()


def test_malformed_calls_are_refused(server: Loopback) -> None:
    for body in (b"{", b"[]", b"{}", b'{"personalizations": []}', b'{"personalizations": [{"to": []}]}'):
        request = urllib.request.Request(
            f"{server.sendgrid}/v3/mail/send",
            body,
            {"Authorization": "Bearer k", "Content-Type": "application/json"},
        )
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request)
        assert caught.value.code == 400
        caught.value.close()


def test_the_log_has_a_line_for_each_message(tmp_path: Path) -> None:
    log = tmp_path / "taken.log"
    with loopback("--quick", "--log", str(log)) as server:
        provider = SendGridProvider("SG.key", server.sendgrid)
        provider.send([an_email(1), an_email(2)])
        provider.close()
        server.ask("/_seen")
        rows = [line.split("\t") for line in log.read_text().splitlines()]
    assert [row[1:] for row in rows] == [
        ["sendgrid", "0", "202", "1", f"msg_{number}", f"awa{number}@example.com"] for number in (1, 2)
    ]
    assert abs(int(rows[0][0]) / 1e6 - time.time()) < 60


class Webhook:
    """Takes posts of events as our service would; the first `failures` of them are answered 503."""

    def __init__(self, failures: int) -> None:
        self.posts: list[tuple[str, dict[str, str], bytes]] = []
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                webhook.posts.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(503 if len(webhook.posts) <= failures else 204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def wait_for(self, posts: int) -> None:
        deadline = time.monotonic() + 10
        while len(self.posts) < posts and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(self.posts) >= posts

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def test_signed_events_follow_until_they_are_taken() -> None:
    webhook = Webhook(failures=1)
    options = ("--events-to", f"{webhook.url}/webhooks/sendgrid/events", "--events-every", "0.05")
    with loopback(*options, "--events-mix", "disorder:1,duplicate:1,bounce:1", lines=3) as server:
        provider = SendGridProvider("SG.key", server.sendgrid)
        [outcome] = provider.send([an_email(1)])
        provider.close()
        webhook.wait_for(2)
    webhook.close()
    (path, headers, body), (_, _, again) = webhook.posts[:2]
    assert path == "/webhooks/sendgrid/events"
    assert body == again
    signature, at = headers[sendgrid_events.SIGNATURE_HEADER], headers[sendgrid_events.TIMESTAMP_HEADER]
    assert sendgrid_events.verify(server.public_key, signature, at, body)
    events: list[ProviderEvent] = list(sendgrid_events.parse(body, datetime.now(UTC)))
    assert [event.kind for event in events[:2]] == [EventKind.BOUNCED, EventKind.PROCESSED]
    assert events[2] in events[:2]
    assert isinstance(outcome, Accepted)
    assert {(one.message_ref, one.provider_message_id) for one in events} == {
        ("msg_1", outcome.provider_message_id)
    }


def test_signed_receipts_follow() -> None:
    webhook = Webhook(failures=0)
    callback = f"{webhook.url}/webhooks/twilio/status"
    with loopback("--receipts", "--events-every", "0.05", "--events-mix", "undelivered:1") as server:
        provider = TwilioProvider("AC1", TOKEN, server.twilio, status_callback=callback)
        [outcome] = provider.send([an_sms(1)])
        provider.close()
        webhook.wait_for(2)
    webhook.close()
    assert isinstance(outcome, Accepted)
    kinds = []
    for path, headers, body in webhook.posts:
        signature, kind = headers[twilio_events.SIGNATURE_HEADER], headers["content-type"]
        assert twilio_events.verify(TOKEN, webhook.url + path, signature, body, kind)
        [event] = twilio_events.parse(body.decode(), datetime.now(UTC))
        kinds.append(event.kind)
        assert event.provider_message_id == outcome.provider_message_id
    assert kinds == [EventKind.SENT, EventKind.FAILED]
