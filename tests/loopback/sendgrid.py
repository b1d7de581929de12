"""SendGrid's v3 mail/send and erasure on the loopback interface: checks calls as the real one does."""

import json
import re
import secrets
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.loopback.server import HttpLoopback, Received, Reply, json_reply

_ADDRESS: Final = re.compile(r"[^@\s<>\"]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_RESERVED: Final = frozenset({
    "x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding", "to",
    "from", "subject", "reply-to", "cc", "bcc",
})  # fmt: skip
_HELP: Final = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#message"
MOST_BYTES: Final = 30_000_000
MOST_PERSONALIZATIONS: Final = 1_000
MOST_ERASED: Final = 5_000
MOST_ERASURE_BYTES: Final = 256_000
_MOST_OF_EACH: Final = 10_000
"""Bytes of the substitutions of one personalization, and of its custom_args."""

Problem = tuple[str | None, str]
"""The field an error names, and what it says."""


class SendGridLoopback(HttpLoopback):
    """Takes what SendGrid would take. `messages` are the personalizations of accepted calls, one each."""

    def __init__(self, *args: Any, key: str | None = None, **kwargs: Any) -> None:
        """Any key of some length is good, or only `key`."""
        super().__init__(*args, **kwargs)
        self._key = key
        self.most_bytes = MOST_BYTES
        self.erased: list[str] = []

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Every personalization that was sent in a well-formed call, with what its call shares."""
        return [
            {**{name: part for name, part in call.json.items() if name != "personalizations"}, **one}
            for call in list(self.received)
            if call.path.endswith("/v3/mail/send")
            for one in call.json["personalizations"]
        ]

    def answer(self, call: Received) -> Reply:
        """Answer as api.sendgrid.com does."""
        if not self._authorized(call):
            return errors_reply(
                401, [(None, "The provided authorization grant is invalid, expired, or revoked")]
            )
        if call.path.endswith("/v3/scopes") and call.method == "GET":
            return json_reply(200, {"scopes": ["mail.send"]})
        if call.path.endswith("/v3/mail/send") and call.method == "POST":
            return self._take(call)
        if call.path.endswith("/v3/recipients/erasejob") and call.method == "POST":
            return self._erase(call)
        return errors_reply(404, [(None, "not found")])

    def _erase(self, call: Received) -> Reply:
        """Answer as the Recipients' Data Erasure API does."""
        addresses = call.json.get("email_addresses")
        if not addresses or len(addresses) > MOST_ERASED or len(call.body) > MOST_ERASURE_BYTES:
            return errors_reply(400, [("email_addresses", "must hold 1 to 5000 addresses, 256 KB at most")])
        wrong = [one for one in addresses if not _ADDRESS.fullmatch(one)]
        if wrong:
            told = [("email_addresses", f"Email_address {one} is not valid") for one in wrong]
            return errors_reply(400, [*told])
        self.erased.extend(addresses)
        return json_reply(202, {"job_id": secrets.token_hex(16)})

    def _take(self, call: Received) -> Reply:
        if len(call.body) > self.most_bytes:
            return errors_reply(413, [(None, "Payload too large")])
        problems = self._problems(call)
        if problems:
            return errors_reply(400, problems)
        return Reply(202, headers={"X-Message-Id": secrets.token_urlsafe(16)})

    def _authorized(self, call: Received) -> bool:
        kind, _, key = call.headers.get("authorization", "").partition(" ")
        return kind == "Bearer" and bool(key) and self._key in {None, key}

    @staticmethod
    def _problems(call: Received) -> list[Problem]:
        if not call.headers.get("content-type", "").startswith("application/json"):
            return [(None, "Content-Type should be application/json.")]
        try:
            body = call.json
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return [(None, "Bad Request")]
        return [*_sender_problems(body), *_content_problems(body), *_personalization_problems(body)]


def errors_reply(status: int, problems: list[Problem]) -> Reply:
    errors = [{"message": text, "field": field, "help": _HELP if field else None} for field, text in problems]
    return json_reply(status, {"errors": errors})


def _sender_problems(body: Mapping[str, Any]) -> Iterator[Problem]:
    sender = body.get("from")
    if not isinstance(sender, dict):
        yield "from", "The from object must be provided for every email send."
    elif not _ADDRESS.fullmatch(str(sender.get("email"))):
        yield "from.email", "The from email does not contain a valid address."
    reply_to = body.get("reply_to")
    if reply_to is not None and not _ADDRESS.fullmatch(str(reply_to.get("email"))):
        yield "reply_to.email", "The reply_to email does not contain a valid address."


def _content_problems(body: Mapping[str, Any]) -> Iterator[Problem]:
    if not body.get("subject"):
        yield "subject", "The subject is required. You can get around this requirement if you use a template."
    content = body.get("content") or []
    if not content:
        yield "content", "Unless a valid template_id is provided, the content parameter is required."
    if [part.get("type") for part in content] not in [
        ["text/plain"],
        ["text/html"],
        ["text/plain", "text/html"],
    ]:
        yield "content", "If present, text/plain must be first, followed by text/html."
    for number, part in enumerate(content):
        if not part.get("value"):
            yield (
                f"content.{number}.value",
                "The content value must be a string at least one character in length.",
            )
    for name in body.get("headers") or {}:
        if name.lower() in _RESERVED:
            yield "headers", f"The header {name} is reserved."


def _personalization_problems(body: Mapping[str, Any]) -> Iterator[Problem]:
    personalizations = body.get("personalizations")
    if not isinstance(personalizations, list) or not personalizations:
        yield (
            "personalizations",
            "The personalizations field is required and must have at least one personalization.",
        )
        return
    if len(personalizations) > MOST_PERSONALIZATIONS:
        yield "personalizations", "There are too many personalizations: the most is 1000."
        return
    for number, one in enumerate(personalizations):
        at = f"personalizations.{number}"
        to = one.get("to")
        if not to:
            yield (
                f"{at}.to",
                "The to array is required for all personalization objects, and must have at least one.",
            )
        for position, mailbox in enumerate(to or []):
            if not _ADDRESS.fullmatch(str(mailbox.get("email"))):
                yield f"{at}.to.{position}.email", "Does not contain a valid address."
        yield from _extras_problems(at, one)


def _extras_problems(at: str, one: Mapping[str, Any]) -> Iterator[Problem]:
    for name, value in (one.get("headers") or {}).items():
        if name.lower() in _RESERVED or not isinstance(value, str) or not value.isascii():
            yield f"{at}.headers", f"The header {name} is reserved or not ASCII."
    arguments = one.get("custom_args") or {}
    if not all(isinstance(value, str) for value in arguments.values()) or len(str(arguments)) > _MOST_OF_EACH:
        yield f"{at}.custom_args", "Custom args must be strings of less than 10,000 bytes together."
    marks = one.get("substitutions") or {}
    if not all(isinstance(value, str) for value in marks.values()):
        yield f"{at}.substitutions", "Substitutions must be strings."
    elif len(json.dumps(marks, ensure_ascii=False).encode()) > _MOST_OF_EACH:
        yield (
            f"{at}.substitutions",
            "The substitutions of a personalization must be less than 10,000 bytes.",
        )
