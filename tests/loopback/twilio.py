"""Twilio's Messages on the loopback interface: checks calls as the real one does."""

import base64
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, date, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any, Final

from tests.loopback.server import HttpLoopback, Received, Reply, json_reply

_E164: Final = re.compile(r"\+[1-9]\d{6,14}")
_PATH: Final = re.compile(
    r".*/2010-04-01/Accounts/(?P<account>\w+)(?P<rest>(/Messages(/(?P<sid>\w+))?)?)\.json"
)
_LONGEST_BODY: Final = 1_600
_REQUIRED: Final = (
    ("To", (21604, "A 'To' phone number is required.")),
    ("From MessagingServiceSid", (21603, "A 'From' phone number is required.")),
    ("Body", (21602, "Message body is required.")),
)


class TwilioLoopback(HttpLoopback):
    """Takes what Twilio would take. `messages` are the resources it made, newest last."""

    def __init__(self, *args: Any, token: str | None = None, **kwargs: Any) -> None:
        """Any token is good, or only `token`."""
        super().__init__(*args, **kwargs)
        self._token = token
        self.messages: list[dict[str, Any]] = []
        self.opted_out: set[str] = set()
        """Numbers that replied STOP."""

    def clear(self) -> None:
        super().clear()
        self.messages.clear()

    def answer(self, call: Received) -> Reply:
        """Answer as api.twilio.com does."""
        match = _PATH.fullmatch(call.path)
        if not match:
            return _error(404, 20404, "The requested resource was not found")
        if not self._authorized(call, match["account"]):
            return _error(401, 20003, "Authenticate")
        if not match["rest"]:
            return json_reply(200, {"sid": match["account"], "status": "active", "type": "Full"})
        if match["sid"]:
            found = [message for message in self.messages if message["sid"] == match["sid"]]
            return json_reply(200, found[0]) if found else _error(404, 20404, "The resource was not found")
        if call.method == "POST":
            return self._create(match["account"], call.form)
        return json_reply(200, self._page(call))

    def _authorized(self, call: Received, account: str) -> bool:
        kind, _, encoded = call.headers.get("authorization", "").partition(" ")
        user, _, token = base64.b64decode(encoded).decode().partition(":")
        return kind == "Basic" and user == account and bool(token) and self._token in {None, token}

    def _create(self, account: str, form: Mapping[str, str]) -> Reply:
        refusal = self._refusal(form)
        if refusal:
            return _error(400, *refusal)
        message = _resource(account, form)
        self.messages.append(message)
        return json_reply(201, message)

    def _refusal(self, form: Mapping[str, str]) -> tuple[int, str] | None:
        to, body = form.get("To", ""), form.get("Body", "")
        validity = form.get("ValidityPeriod", "36000")
        missing = [problem for name, problem in _REQUIRED if not any(form.get(part) for part in name.split())]
        if missing:
            return missing[0]
        if not _E164.fullmatch(to):
            return 21211, f"The 'To' number {to} is not a valid phone number."
        if len(body) > _LONGEST_BODY:
            return 21617, "The concatenated message body exceeds the 1600 character limit."
        if not validity.isdigit() or not 1 <= int(validity) <= 36_000:
            return 21631, "The ValidityPeriod is out of range."
        if to in self.opted_out:
            return 21610, "Attempt to send to unsubscribed recipient"
        return None

    def _page(self, call: Received) -> dict[str, Any]:
        found = [message for message in reversed(self.messages) if _matches(message, call.query)]
        size = int(call.query.get("PageSize", "50"))
        return {
            "messages": found[:size],
            "page": 0,
            "page_size": size,
            "start": 0,
            "end": max(len(found[:size]) - 1, 0),
            "uri": call.path,
            "first_page_uri": call.path,
            "next_page_uri": None,
            "previous_page_uri": None,
        }


def _error(status: int, code: int, message: str) -> Reply:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return json_reply(status, {"code": code, "message": message, "more_info": more, "status": status})


def _resource(account: str, form: Mapping[str, str]) -> dict[str, Any]:
    sid = "SM" + secrets.token_hex(16)
    service = form.get("MessagingServiceSid")
    now = format_datetime(datetime.now(UTC))
    return {
        "sid": sid,
        "account_sid": account,
        "messaging_service_sid": service,
        "to": form["To"],
        "from": form.get("From"),
        "body": form["Body"],
        "status": "accepted" if service else "queued",
        "direction": "outbound-api",
        "num_segments": "0" if service else "1",
        "num_media": "0",
        "date_created": now,
        "date_updated": now,
        "date_sent": now,
        "price": None,
        "price_unit": "USD",
        "error_code": None,
        "error_message": None,
        "api_version": "2010-04-01",
        "uri": f"/2010-04-01/Accounts/{account}/Messages/{sid}.json",
        "subresource_uris": {},
    }


def _matches(message: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    """Whether a message is in the list asked for: To, From, DateSent, DateSent>, DateSent<."""
    sent = parsedate_to_datetime(message["date_sent"])
    return (
        query.get("To") in {None, message["to"]}
        and query.get("From") in {None, message["from"]}
        and ("DateSent" not in query or _moment(query["DateSent"]).date() == sent.date())
        and ("DateSent>" not in query or sent >= _moment(query["DateSent>"]))
        and ("DateSent<" not in query or sent <= _moment(query["DateSent<"]))
    )


def _moment(text: str) -> datetime:
    if len(text) == len("2026-11-23"):
        return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
    return datetime.fromisoformat(text)
