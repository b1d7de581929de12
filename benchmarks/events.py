"""(e) SendGrid's events: posts of 768 KB, its largest, accepted by the web server, then read by workers."""

import base64
import http.client
import itertools
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from benchmarks import newsletter
from benchmarks.bench import WORKERS, Bench
from benchmarks.figures import Figure
from benchmarks.processes import wait_until
from benchmarks.stack import Stack
from notify.domain import ids

LARGEST_POST: Final = 768 * 1024
_CONNECTIONS: Final = 16
_TARGET: Final = "≥ 10,000"
_MOST_SECONDS: Final = 600

Body = tuple[bytes, dict[str, str]]


def measure(bench: Bench, messages: int) -> list[Figure]:
    """Report on the messages of a newsletter: first posts alone, then what workers make of them."""
    key = ec.generate_private_key(ec.SECP256R1())
    der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    environment = {"SENDGRID_WEBHOOK_PUBLIC_KEY": base64.b64encode(der).decode()}
    with bench.stack(messages, environment) as stack:
        stack.start("web", "scheduler", "worker bulk")
        campaign = newsletter.create(stack)
        newsletter.schedule(stack, campaign)
        newsletter.await_sent(stack, campaign)
        stack.stop("worker bulk", "scheduler")
        events = list(_events(stack, campaign))
        posts = list(_posts(events, key))
        accepted = _post_all(stack, posts)
        stack.start(*WORKERS)
        wait_until(lambda: _stored(stack) > 0, _MOST_SECONDS, "the workers to have read the first post")
        begun, before = time.monotonic(), _stored(stack)
        wait_until(lambda: not _waiting(stack), _MOST_SECONDS, "the workers to have read all posts")
        processed = (len(events) - before) / (time.monotonic() - begun)
        _check(stack, campaign, messages)
    note = f"{len(posts)} posts with {len(events):,} events, {_CONNECTIONS} connections"
    return [
        Figure("events", "accepted", len(events) / accepted, "events/s", _TARGET, note),
        Figure("events", "processed by the workers", processed, "events/s", _TARGET),
    ]


def _events(stack: Stack, campaign: str) -> Iterator[dict[str, Any]]:
    """Yield what SendGrid tells of each message: that it has it, and that it was delivered."""
    now = int(datetime.now(UTC).timestamp())
    number = int(campaign.rpartition("_")[2])
    rows = stack.query(
        "SELECT id FROM messages WHERE campaign_id = :number AND status <> 'skipped'", number=number
    )
    for at, word in enumerate(("processed", "delivered")):
        for (message,) in rows:
            yield {
                "email": f"client.{message}@example.com",
                "timestamp": now + at,
                "smtp-id": f"<{message}.20261123@geopod-ismtpd-1>",
                "event": word,
                "category": ["company_news"],
                "sg_event_id": f"ZGVsaXZlcmVkLTAtMTIzNDU2Nzg-{word[:4]}-{message}",
                "sg_message_id": f"mZBa8b1tSZ6V2xyYxKTBCg.filterdrecv-{message}-1-65A5-11.0",
                "response": "250 2.0.0 OK  1700000000 a1-20020a170903000100b001",
                "message_id": ids.public(ids.MESSAGE, message),
            }


def _posts(events: Sequence[dict[str, Any]], key: ec.EllipticCurvePrivateKey) -> Iterator[Body]:
    """Yield signed posts, each as large as SendGrid makes them at most."""
    each = LARGEST_POST // (len(orjson.dumps(events[-1])) + 1)
    for first in range(0, len(events), each):
        body, stamp = orjson.dumps(events[first : first + each]) + b"\r\n", str(int(time.time()))
        assert len(body) <= LARGEST_POST + 1024
        signature = base64.b64encode(key.sign(stamp.encode() + body, ec.ECDSA(SHA256()))).decode()
        yield (
            body,
            {
                "Content-Type": "application/json",
                "X-Twilio-Email-Event-Webhook-Signature": signature,
                "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
            },
        )


def _post_all(stack: Stack, posts: Sequence[Body]) -> float:
    """Post them over several connections; return the seconds it took."""
    numbers, refused = itertools.count(), []

    def post() -> None:
        connection = http.client.HTTPConnection(stack.address.host, stack.address.port, timeout=60)
        while (number := next(numbers)) < len(posts):
            body, headers = posts[number]
            connection.request("POST", "/webhooks/sendgrid/events", body, headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != http.HTTPStatus.NO_CONTENT:
                refused.append(answer.status)
        connection.close()

    threads = [threading.Thread(target=post) for _ in range(_CONNECTIONS)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - begun
    if refused:
        raise RuntimeError(f"posts were answered {set(refused)}")
    return took


def _waiting(stack: Stack) -> bool:
    return bool(stack.query("SELECT EXISTS (SELECT 1 FROM event_posts)")[0][0])


def _stored(stack: Stack) -> int:
    return int(stack.query("SELECT count(*) FROM provider_events")[0][0])


def _check(stack: Stack, campaign: str, messages: int) -> None:
    """Every message must be known as delivered, every event once."""
    progress = stack.api.call("GET", f"/v1/campaigns/{campaign}")["progress"]
    stored = _stored(stack)
    if (progress.get("delivered", 0), stored) != (messages, 2 * messages):
        raise RuntimeError(f"{messages} expected, {progress} and {stored} events found")
