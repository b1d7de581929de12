"""SendGrid and Twilio for the fast server: checked as the real ones do, or by structure only."""

import itertools
import secrets
from functools import partial
from hashlib import sha256
from typing import Any, Final, Protocol

import orjson

from tests.loopback.fast import Api, Verdict
from tests.loopback.sendgrid import MOST_BYTES, MOST_PERSONALIZATIONS, SendGridLoopback, errors_reply
from tests.loopback.server import Received, Reply
from tests.loopback.tally import Messages
from tests.loopback.twilio import Sms, TwilioLoopback, credentials, is_consents

_SEND: Final = "/v3/mail/send"
_LINK: Final = "/u/"


class EmailsTaken(Protocol):
    """Hears of e-mails that are on their way."""

    def emails(self, call_id: str, messages: Messages) -> None:
        """Learn of the messages of one call; `call_id` is its X-Message-Id."""
        ...


class TextsTaken(Protocol):
    """Hears of SMS that are on their way."""

    def text(self, sms: Sms, token: str) -> None:
        """Learn of one SMS; `token` signs its receipts."""
        ...


class SendGridApi(Api):
    """Takes personalizations: each is parsed and needs an id and an address; `full` checks all the rest."""

    name = "sendgrid"

    def __init__(self, *, full: bool = True, events: EmailsTaken | None = None) -> None:
        self._checks = SendGridLoopback()
        self._full = full
        self._events = events
        self._run = secrets.token_urlsafe(9)
        self._numbers = itertools.count(1)

    def answer(self, call: Received) -> Verdict:
        """Answer as api.sendgrid.com does."""
        if not call.path.endswith(_SEND):
            return Verdict(self._checks.answer(call))
        if self._full:
            reply = self._checks.answer(call)
            if reply.status != 202:
                return Verdict(reply)
        elif len(call.body) > MOST_BYTES:
            return Verdict(errors_reply(413, [(None, "Payload too large")]))
        else:
            reply = Reply(202, headers={"X-Message-Id": f"{self._run}{next(self._numbers):010d}"})
        try:
            return self._taking(reply, orjson.loads(call.body))
        except (ValueError, LookupError, TypeError):
            return Verdict(errors_reply(400, [(None, "Bad Request")]))

    def _taking(self, reply: Reply, body: Any) -> Verdict:
        """Return the verdict on a call that is well-formed. ValueError, LookupError, TypeError for others."""
        messages = [
            (one["custom_args"]["message_id"], one["to"][0]["email"]) for one in body["personalizations"]
        ]
        if not 0 < len(messages) <= MOST_PERSONALIZATIONS:
            raise ValueError("too many")
        call_id, events = reply.headers["X-Message-Id"], self._events
        return Verdict(reply, messages, partial(events.emails, call_id, messages) if events else None)


class TwilioApi(Api):
    """Takes SMS and lists what it took. A call has no id of ours: the link in its body stands for it."""

    name = "twilio"

    def __init__(self, *, events: TextsTaken | None = None) -> None:
        self._loopback = TwilioLoopback()
        self._events = events

    def answer(self, call: Received) -> Verdict:
        """Answer as api.twilio.com does, and accounts.twilio.com."""
        if is_consents(call):
            reply, consents = self._loopback.judge_consents(call)
            return Verdict(reply, take=partial(self._loopback.consents.keep, consents))
        reply, sms = self._loopback.judge(call)
        if sms is None:
            return Verdict(reply)
        return Verdict(
            reply, [(reference_of(sms.body), sms.to)], partial(self._take, sms, credentials(call)[1])
        )

    def _take(self, sms: Sms, token: str) -> None:
        self._loopback.keep(sms)
        if self._events:
            self._events.text(sms, token)


def reference_of(body: str) -> str:
    """Return what tells an SMS from others: the token of its link, else a hash of its text."""
    _, found, rest = body.rpartition(_LINK)
    return rest.split()[0] if found and rest.strip() else sha256(body.encode()).hexdigest()[:32]
