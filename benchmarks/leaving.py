"""(f) People who leave while a campaign is under way: what reached them after they were told it was done.

A first campaign gives everybody a message, and so a link. While a second one goes out, some leave, each way
in turn. When a person was answered and when the provider got a message are told by one clock.
"""

import base64
import http.client
import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from benchmarks import newsletter
from benchmarks.bench import WORKERS, Bench
from benchmarks.figures import Figure
from benchmarks.processes import wait_until
from benchmarks.stack import Stack
from notify.domain import ids
from notify.domain.catalogue import Channel
from notify.domain.token_claims import CentreClaim, OptOutClaim

REACHED: Final = 5_000
_LEAVERS: Final = 200
_TOPIC: Final = 2
_OVER_SECONDS: Final = 20.0
_A_MINUTE: Final = 15_000
_AT_ONCE: Final = 16
_MAIL_DOMAIN: Final = "mail.example.org"
_SENDERS: Final = {"SMS_FROM": "+221338000001", "SMS_FROM_MARKETING": "+221338000002"}
_HOURS: Final = {"*": {"mon-sun": "00:00-24:00", "holidays": True}}
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(slots=True)
class Leaver:
    """One person who leaves: by which way, from which channels, and when they were answered."""

    number: int
    way: str
    channels: Sequence[Channel]
    message: int
    phone: str
    answered_at: float = 0.0


@dataclass(slots=True)
class Tally:
    """What came of those who left by one way."""

    people: int = 0
    before: int = 0
    never: int = 0
    after: list[float] = field(default_factory=list)


Request = tuple[str, str, bytes, Mapping[str, str]]


class _Ways:
    """The requests by which people leave."""

    def __init__(self, stack: Stack, key: ec.EllipticCurvePrivateKey) -> None:
        self._stack = stack
        self._key = key
        both, email = (Channel.EMAIL, Channel.SMS), (Channel.EMAIL,)
        self.all: Mapping[str, tuple[Sequence[Channel], Callable[[Leaver], Request]]] = {
            "one click": (email, lambda one: self._link(one, "")),
            "page behind the link": (email, lambda one: self._link(one, "?by=page")),
            "whole channel": (email, lambda one: self._link(one, "/all")),
            "mail to the address": (email, self._mail),
            "preference centre": (both, self._centre),
            "STOP by SMS": ((Channel.SMS,), self._stop),
            "PATCH by the shop": (both, self._patch),
            "suppression by the shop": ((Channel.SMS,), self._suppress),
            "complaint": (email, self._complain),
        }

    def leave(self, one: Leaver) -> None:
        """Make the request, and note when its answer was read."""
        method, path, body, headers = self.all[one.way][1](one)
        connection = http.client.HTTPConnection(
            self._stack.address.host, self._stack.address.port, timeout=60
        )
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        answer.read()
        connection.close()
        if answer.status not in {200, 201, 204}:
            raise RuntimeError(f"{one.way}: {answer.status}")
        if one.way == "complaint":  # its post is only kept: what was read counts
            wait_until(lambda: self._complained(one), 30, "a complaint to be read")
        one.answered_at = time.time()

    def _claim(self, one: Leaver) -> OptOutClaim:
        return OptOutClaim(one.number, _TOPIC, Channel.EMAIL, one.message)

    def _link(self, one: Leaver, tail: str) -> Request:
        token = self._stack.composition.tokens.opt_out(self._claim(one))
        return "POST", f"/u/{token}{tail}", b"List-Unsubscribe=One-Click", _FORM

    def _mail(self, one: Leaver) -> Request:
        token = self._stack.composition.tokens.mailbox(self._claim(one))
        to = f"unsubscribe-{token}@{_MAIL_DOMAIN}"
        return "POST", "/webhooks/sendgrid/inbound", urlencode({"to": to}).encode(), _FORM

    def _centre(self, one: Leaver) -> Request:
        token = self._stack.composition.tokens.centre(CentreClaim(one.number, one.message))
        return "POST", f"/preferences/{token}", urlencode({"do": "stop_everything"}).encode(), _FORM

    def _stop(self, one: Leaver) -> Request:
        path = "/webhooks/twilio/inbound"
        form = {"MessageSid": f"SM{one.number:032x}", "From": one.phone, "Body": "Stop svp"}
        form["To"] = _SENDERS["SMS_FROM_MARKETING"]
        validator = RequestValidator(self._stack.environment["TWILIO_AUTH_TOKEN"])
        signature = validator.compute_signature(self._stack.address.url + path, form)
        return "POST", path, urlencode(form).encode(), {**_FORM, "X-Twilio-Signature": signature}

    def _patch(self, one: Leaver) -> Request:
        wanted = [
            {"topic": "company_news", "channel": channel, "subscribed": False} for channel in one.channels
        ]
        body = json.dumps({"preferences": wanted}).encode()
        return "PATCH", f"/v1/recipients/C-{one.number}/preferences", body, self._api()

    def _suppress(self, one: Leaver) -> Request:
        body = {"address": one.phone, "channel": "sms", "reason": "manual"}
        return "POST", "/v1/suppressions", json.dumps(body).encode(), self._api()

    def _complain(self, one: Leaver) -> Request:
        event = {
            "event": "spamreport",
            "timestamp": int(time.time()),
            "sg_event_id": f"complaint-{one.number}",
        }
        event["message_id"] = ids.public(ids.MESSAGE, one.message)
        body, stamp = json.dumps([event]).encode(), str(int(time.time()))
        signature = base64.b64encode(self._key.sign(stamp.encode() + body, ec.ECDSA(SHA256()))).decode()
        headers = {
            "X-Twilio-Email-Event-Webhook-Signature": signature,
            "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
        }
        return "POST", "/webhooks/sendgrid/events", body, headers

    def _complained(self, one: Leaver) -> bool:
        query = (
            "SELECT EXISTS (SELECT 1 FROM consent_records WHERE recipient_id = :one AND way = 'complaint')"
        )
        return bool(self._stack.query(query, one=one.number)[0][0])

    def _api(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._stack.api.key}", "Content-Type": "application/json"}


def measure(bench: Bench) -> list[Figure]:
    """Return how many messages came to people after their answer, by way."""
    key = ec.generate_private_key(ec.SECP256R1())
    der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    environment = {
        "SENDGRID_WEBHOOK_PUBLIC_KEY": base64.b64encode(der).decode(),
        "UNSUBSCRIBE_MAIL_DOMAIN": _MAIL_DOMAIN,
        "SMS_HOURS": json.dumps(_HOURS),
        **_SENDERS,
    }
    with bench.stack(REACHED, environment) as stack:
        stack.start("web", "scheduler", *WORKERS)
        first = newsletter.create(stack, "first")
        newsletter.schedule(stack, first)
        newsletter.await_sent(stack, first)
        ways = _Ways(stack, key)
        leavers = _choose(stack, first, ways)
        campaign = _second(stack)
        _leave(ways, leavers)
        found = newsletter.await_sent(stack, campaign)
        tallies = _tally(stack, campaign, leavers)
    print(f"# progress of the campaign: {found['progress']}", flush=True)
    return _figures(tallies)


def _choose(stack: Stack, campaign: str, ways: _Ways) -> list[Leaver]:
    """Choose people of Senegal, who get both channels, each way as often."""
    rows = stack.query(
        "SELECT m.recipient_id, m.id FROM messages m JOIN recipients r ON r.id = m.recipient_id"
        " WHERE m.campaign_id = :number AND m.status <> 'skipped' AND r.country = 'SN'",
        number=int(campaign.rpartition("_")[2]),
    )
    dice = random.Random(1)  # noqa: S311 - no secret
    names = list(ways.all)
    return [
        Leaver(number, way, ways.all[way][0], message, f"+2217{number:08d}")
        for index, (number, message) in enumerate(dice.sample(rows, _LEAVERS))
        for way in [names[index % len(names)]]
    ]


def _second(stack: Stack) -> str:
    """Start the campaign that people leave, slowly enough to be left; return its id."""
    content = {
        language: {**texts, "sms": f"{texts['subject']}"[:60]}
        for language, texts in newsletter.CONTENT.items()
    }
    body = {
        "name": "second",
        "topic": "company_news",
        "channels": ["email", "sms"],
        "template": "newsletter",
        "content": content,
        "throttle": _A_MINUTE,
    }
    campaign = str(stack.api.call("POST", "/v1/campaigns", body)["id"])
    newsletter.schedule(stack, campaign)
    return campaign


def _leave(ways: _Ways, leavers: Sequence[Leaver]) -> None:
    """Have them leave one after the other, evenly over the time the campaign takes."""
    begun = time.monotonic()

    def leave(index: int, one: Leaver) -> None:
        time.sleep(max(0.0, begun + index * _OVER_SECONDS / len(leavers) - time.monotonic()))
        ways.leave(one)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for done in [pool.submit(leave, index, one) for index, one in enumerate(leavers)]:
            done.result()


def _tally(stack: Stack, campaign: str, leavers: Sequence[Leaver]) -> dict[str, Tally]:
    """Compare when each got a message of the campaign, by the provider, with when they were answered."""
    number = int(campaign.rpartition("_")[2])
    rows = stack.query(
        "SELECT recipient_id, channel, id FROM messages WHERE campaign_id = :number", number=number
    )
    refs: dict[Channel, dict[int, str]] = {Channel.EMAIL: {}, Channel.SMS: {}}
    for person, channel, one in rows:
        # An SMS carries no id of ours: its link stands for it.
        claim = OptOutClaim(person, _TOPIC, Channel.SMS, one)
        email = channel == Channel.EMAIL
        ref = ids.public(ids.MESSAGE, one) if email else stack.composition.tokens.opt_out(claim)
        refs[Channel(channel)][person] = ref
    seen = {
        channel: stack.provider.of_ids(refs[channel].values(), provider)
        for channel, provider in ((Channel.EMAIL, "sendgrid"), (Channel.SMS, "twilio"))
    }
    tallies: dict[str, Tally] = {}
    for one in leavers:
        tally = tallies.setdefault(one.way, Tally())
        tally.people += 1
        for channel in one.channels:
            came = seen[channel].get(refs[channel].get(one.number, ""), {}).get("first_at")
            if came is None:
                tally.never += 1
            elif came <= one.answered_at:
                tally.before += 1
            else:
                tally.after.append(came - one.answered_at)
    return tallies


def _figures(tallies: Mapping[str, Tally]) -> list[Figure]:
    return [
        Figure(
            "leaving", f"{way}, {tally.people} people: messages after the answer", len(tally.after), "", "0",
            f"{tally.before} had come before, {tally.never} never came"
            + "".join(f"; {late * 1000:.1f} ms" for late in sorted(tally.after)[:5]),
        )
        for way, tally in tallies.items()
    ]  # fmt: skip
