"""What the providers post later: signed events and receipts, doubled and disordered on request."""

import base64
import contextlib
import heapq
import http.client
import itertools
import random
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlencode, urlsplit

import orjson
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from tests.loopback.tally import Messages
from tests.loopback.twilio import Sms

_EVENTS_A_POST: Final = 1_000
_AGAIN_SECONDS: Final = 1.0
_MOST_WAITING: Final = 50
_ENDS: Final = ("bounce", "blocked", "dropped")
_REASONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "bounce": {"event": "bounce", "type": "bounce", "status": "5.1.1", "reason": "550 5.1.1 no such user"},
    "blocked": {"event": "bounce", "type": "blocked", "status": "5.7.1", "reason": "554 5.7.1 blocked"},
    "dropped": {"event": "dropped", "reason": "Bounced Address"},
    "delivered": {"event": "delivered", "response": "250 OK"},
}


@dataclass(slots=True)
class Mix:
    """How often which event comes, and how often it comes twice or in the wrong order."""

    chances: Mapping[str, float] = field(default_factory=dict)
    dice: random.Random = field(default_factory=random.Random)

    @classmethod
    def parse(cls, text: str, seed: int = 0) -> Self:
        """Read `duplicate:0.1,disorder:0.1,bounce:0.01,blocked:…,dropped:…,spamreport:…,undelivered:…`."""
        pairs = (part.strip().partition(":") for part in text.split(",") if part.strip())
        chances = {word: float(chance or 1) for word, _, chance in pairs}
        unknown = set(chances) - {"duplicate", "disorder", "spamreport", "undelivered", *_ENDS}
        if unknown:
            raise ValueError(f"no such event: {', '.join(sorted(unknown))}")
        return cls(chances, random.Random(seed))  # noqa: S311 - no secret

    def throw(self, word: str) -> bool:
        """Whether it happens this time."""
        chance = self.chances.get(word, 0.0)
        return chance > 0 and self.dice.random() < chance

    def end(self) -> str:
        """Return how an e-mail ends."""
        return next((word for word in _ENDS if self.throw(word)), "delivered")


@dataclass(frozen=True, slots=True)
class _Post:
    url: str
    body: bytes
    headers: Mapping[str, str]
    tries: int


class EventPosts:
    """Posts from a thread of its own: SendGrid's until each is taken (2xx), Twilio's with one more try."""

    def __init__(self, url: str | None, key: Path | None, every: float, mix: Mix) -> None:
        """`url` gets SendGrid's events, `every` so many seconds; `key` is the PEM that signs them."""
        self._url = url
        self._key = _private_key(key) if url else None
        self._every = every
        self._mix = mix
        self._emails: deque[tuple[str, Messages]] = deque()
        self._texts: deque[tuple[Sms, str]] = deque()
        self._waiting: list[tuple[float, int, _Post]] = []
        self._numbers = itertools.count()
        self._connections: dict[str, http.client.HTTPConnection] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.posted = 0

    @property
    def public_key(self) -> str | None:
        """What SENDGRID_WEBHOOK_PUBLIC_KEY is to be."""
        if self._key is None:
            return None
        der = self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return base64.b64encode(der).decode()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=5)

    def emails(self, call_id: str, messages: Messages) -> None:
        """Let the events of a call follow."""
        self._emails.append((call_id, messages))

    def text(self, sms: Sms, token: str) -> None:
        """Let the receipts of an SMS follow, if it asked for them."""
        if sms.callback:
            self._texts.append((sms, token))

    def idle(self) -> bool:
        """Whether everything was posted and taken."""
        return not (self._emails or self._texts or self._waiting)

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            self._make_events()
            self._make_receipts()
            while self._waiting and self._waiting[0][0] <= time.monotonic() and not self._stop.is_set():
                _, number, post = heapq.heappop(self._waiting)
                if not self._post(post) and post.tries > 1:
                    again = _Post(post.url, post.body, post.headers, post.tries - 1)
                    heapq.heappush(self._waiting, (time.monotonic() + _AGAIN_SECONDS, number, again))

    def _queue(self, post: _Post, delay: float = 0.0) -> None:
        heapq.heappush(self._waiting, (time.monotonic() + delay, next(self._numbers), post))

    def _make_events(self) -> None:
        events: list[dict[str, Any]] = []
        # A webhook that is slower than the sending must not fill the memory with posts.
        while self._emails and len(self._waiting) < _MOST_WAITING:
            call_id, messages = self._emails.popleft()
            for ref, to in messages:
                events += self._events_of(call_id, ref, to)
            while len(events) >= _EVENTS_A_POST:
                self._queue_events(events[:_EVENTS_A_POST])
                del events[:_EVENTS_A_POST]
        if events:
            self._queue_events(events)

    def _events_of(self, call_id: str, ref: str, to: str) -> list[dict[str, Any]]:
        mix, at = self._mix, int(time.time())
        about = {"email": to, "timestamp": at, "message_id": ref, "sg_message_id": f"{call_id}.filter0001.0"}
        words = ["processed", mix.end()]
        if words[1] == "delivered" and mix.throw("spamreport"):
            words.append("spamreport")
        made = [
            {**about, **_REASONS.get(word, {"event": word}), "sg_event_id": f"{call_id[:40]}-{ref}-{word}"}
            for word in words
        ]
        if mix.throw("disorder"):
            made.reverse()
        if mix.throw("duplicate"):
            made.append(mix.dice.choice(made))
        return made

    def _queue_events(self, events: Sequence[Mapping[str, Any]]) -> None:
        assert self._key is not None
        assert self._url is not None
        body, stamp = orjson.dumps(events) + b"\r\n", str(int(time.time()))
        signature = self._key.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        headers = {
            "Content-Type": "application/json",
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
        }
        post = _Post(self._url, body, headers, tries=86_400)
        self._queue(post)
        if self._mix.throw("duplicate"):
            self._queue(post, delay=self._every)

    def _make_receipts(self) -> None:
        while self._texts:
            sms, token = self._texts.popleft()
            failed = self._mix.throw("undelivered")
            statuses = ["sent", "undelivered" if failed else "delivered"]
            sms.status, sms.error_code = statuses[-1], 30003 if failed else None
            if self._mix.throw("disorder"):
                statuses.reverse()
            for status in statuses:
                post = _receipt(sms, status, token)
                for _ in range(2 if self._mix.throw("duplicate") else 1):
                    self._queue(post)

    def _post(self, post: _Post) -> bool:
        """Whether it was taken; a try that failed closes the connection."""
        parts = urlsplit(post.url)
        connection = self._connections.get(parts.netloc) or http.client.HTTPConnection(
            parts.netloc, timeout=10
        )
        self._connections[parts.netloc] = connection
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        try:
            connection.request("POST", target, post.body, dict(post.headers))
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return False
        self.posted += 1
        return 200 <= answer.status < 300


def _receipt(sms: Sms, status: str, token: str) -> _Post:
    assert sms.callback is not None
    form = {
        "MessageSid": sms.sid,
        "SmsSid": sms.sid,
        "MessageStatus": status,
        "SmsStatus": status,
        "To": sms.to,
        "From": sms.sender or "",
        "AccountSid": sms.account,
        "ApiVersion": "2010-04-01",
        **({"ErrorCode": str(sms.error_code)} if status == "undelivered" else {}),
    }
    signature = RequestValidator(token).compute_signature(sms.callback, form)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
    return _Post(sms.callback, urlencode(form).encode(), headers, tries=2)


def _private_key(path: Path | None) -> ec.EllipticCurvePrivateKey:
    """Read the key, or make one (and keep it at `path`)."""
    if path and path.exists():
        key = serialization.load_pem_private_key(path.read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return key
    made = ec.generate_private_key(ec.SECP256R1())
    if path:
        with contextlib.suppress(FileExistsError), path.open("xb") as file:
            file.write(
                made.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
            )
    return made
