"""Twilio's Messages on the loopback interface: checks calls as the real one does."""

import base64
import re
import secrets
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import urlencode

from tests.loopback.server import HttpLoopback, Received, Reply, json_reply
from tests.loopback.twilio_consents import CONSENTS, ConsentsLoopback, Taken

_E164: Final = re.compile(r"\+[1-9]\d{6,14}")
_PATH: Final = re.compile(
    r".*/2010-04-01/Accounts/(?P<account>\w+)(?P<rest>(/Messages(/(?P<sid>\w+))?)?)\.json"
)
_LONGEST_BODY: Final = 1_600
_LONGEST_PAGE: Final = 1_000
_REQUIRED: Final = (
    ("To", (21604, "A 'To' phone number is required.")),
    ("From MessagingServiceSid", (21603, "A 'From' phone number is required.")),
    ("Body", (21602, "Message body is required.")),
)


@dataclass(slots=True)
class Sms:
    """One SMS that was taken."""

    sid: str
    account: str
    to: str
    sender: str | None
    service: str | None
    body: str
    at: datetime
    status: str
    callback: str | None = None
    error_code: int | None = None

    @property
    def resource(self) -> dict[str, Any]:
        """The resource Twilio shows of it."""
        moment = format_datetime(self.at)
        return {
            "sid": self.sid,
            "account_sid": self.account,
            "messaging_service_sid": self.service,
            "to": self.to,
            "from": self.sender,
            "body": self.body,
            "status": self.status,
            "direction": "outbound-api",
            "num_segments": "0" if self.service else "1",
            "num_media": "0",
            "date_created": moment,
            "date_updated": moment,
            "date_sent": moment,
            "price": None,
            "price_unit": "USD",
            "error_code": self.error_code,
            "error_message": None,
            "api_version": "2010-04-01",
            "uri": f"/2010-04-01/Accounts/{self.account}/Messages/{self.sid}.json",
            "subresource_uris": {},
        }


class TwilioLoopback(HttpLoopback):
    """Takes what Twilio would take."""

    def __init__(self, *args: Any, token: str | None = None, **kwargs: Any) -> None:
        """Any token is good, or only `token`."""
        super().__init__(*args, **kwargs)
        self._token = token
        self._kept: list[Sms] = []
        self._by_sid: dict[str, Sms] = {}
        self._by_number: dict[str, list[Sms]] = defaultdict(list)
        self.opted_out: set[str] = set()
        """Numbers that replied STOP."""
        self.consents = ConsentsLoopback()

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The resources it made, newest last."""
        return [sms.resource for sms in list(self._kept)]

    def clear(self) -> None:
        super().clear()
        self._kept.clear()
        self._by_sid.clear()
        self._by_number.clear()

    def answer(self, call: Received) -> Reply:
        """Answer as api.twilio.com does, and accounts.twilio.com."""
        if is_consents(call):
            reply, consents = self.judge_consents(call)
            self.consents.keep(consents)
            return reply
        reply, sms = self.judge(call)
        if sms:
            self.keep(sms)
        return reply

    def judge(self, call: Received) -> tuple[Reply, Sms | None]:
        """Answer as api.twilio.com does, but only return what would be kept."""
        match = _PATH.fullmatch(call.path)
        if not match:
            return _error(404, 20404, "The requested resource was not found"), None
        if not self._authorized(call, match["account"]):
            return _error(401, 20003, "Authenticate"), None
        if not match["rest"]:
            return json_reply(200, {"sid": match["account"], "status": "active", "type": "Full"}), None
        if match["sid"]:
            found = self._by_sid.get(match["sid"])
            missing = _error(404, 20404, "The resource was not found")
            return json_reply(200, found.resource) if found else missing, None
        if call.method == "POST":
            return self._create(match["account"], call.form)
        return json_reply(200, self._page(call)), None

    def judge_consents(self, call: Received) -> tuple[Reply, Taken]:
        """Answer as accounts.twilio.com does, but only return what would be held."""
        if not self._authorized(call, credentials(call)[0]):
            return _error(401, 20003, "Authenticate"), {}
        return self.consents.judge(call)

    def keep(self, sms: Sms) -> None:
        """Show it in the list from now on."""
        self._kept.append(sms)
        self._by_sid[sms.sid] = sms
        self._by_number[sms.to].append(sms)

    def settle(self, sid: str, status: str, error_code: int | None = None) -> None:
        """Let an SMS be delivered, or not."""
        sms = self._by_sid[sid]
        sms.status, sms.error_code = status, error_code

    def _authorized(self, call: Received, account: str) -> bool:
        user, token = credentials(call)
        return user == account and bool(token) and self._token in {None, token}

    def _create(self, account: str, form: Mapping[str, str]) -> tuple[Reply, Sms | None]:
        refusal = self._refusal(form)
        if refusal:
            return _error(400, *refusal), None
        service = form.get("MessagingServiceSid")
        sms = Sms(
            "SM" + secrets.token_hex(16),
            account,
            form["To"],
            form.get("From"),
            service,
            form["Body"],
            datetime.now(UTC),
            "accepted" if service else "queued",
            form.get("StatusCallback"),
        )
        return json_reply(201, sms.resource), sms

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
        sender = form.get("MessagingServiceSid") or form["From"]
        if to in self.opted_out or self.consents.status.get((to, sender)) == "opt-out":
            return 21610, "Attempt to send to unsubscribed recipient"
        return None

    def _page(self, call: Received) -> dict[str, Any]:
        """List newest first; `PageToken` is where the page before ended, as `PA` and a sid."""
        query = call.query
        kept = self._by_number.get(query["To"], []) if "To" in query else self._kept
        found = [sms for sms in reversed(kept) if _matches(sms, query)]
        number, size = int(query.get("Page", "0")), min(int(query.get("PageSize", "50")), _LONGEST_PAGE)
        after = query.get("PageToken", "").removeprefix("PA")
        start = next((place + 1 for place, sms in enumerate(found) if sms.sid == after), 0)
        shown, left = found[start : start + size], len(found) > start + size

        def uri(page: int, token: str = "") -> str:
            rest = {name: text for name, text in query.items() if name not in {"Page", "PageToken"}}
            parts = {
                **rest,
                "PageSize": str(size),
                "Page": str(page),
                **({"PageToken": token} if token else {}),
            }
            return f"{call.path}?{urlencode(parts)}"

        return {
            "messages": [sms.resource for sms in shown],
            "page": number,
            "page_size": size,
            "start": start,
            "end": start + max(len(shown) - 1, 0),
            "uri": uri(number),
            "first_page_uri": uri(0),
            "next_page_uri": uri(number + 1, f"PA{shown[-1].sid}") if left else None,
            "previous_page_uri": None,
        }


def is_consents(call: Received) -> bool:
    """Whether a call is one to the Consents API."""
    return call.path.endswith(CONSENTS) and call.method == "POST"


def credentials(call: Received) -> tuple[str, str]:
    """Return account and token of a call."""
    kind, _, encoded = call.headers.get("authorization", "").partition(" ")
    user, _, token = base64.b64decode(encoded).decode().partition(":")
    return (user, token) if kind == "Basic" else ("", "")


def _error(status: int, code: int, message: str) -> Reply:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return json_reply(status, {"code": code, "message": message, "more_info": more, "status": status})


def _matches(sms: Sms, query: Mapping[str, str]) -> bool:
    """Whether a message is in the list asked for: To, From, DateSent, DateSent>, DateSent<."""
    sent = sms.at.replace(microsecond=0)
    return (
        query.get("To") in {None, sms.to}
        and query.get("From") in {None, sms.sender}
        and ("DateSent" not in query or _moment(query["DateSent"]).date() == sent.date())
        and ("DateSent>" not in query or sent >= _moment(query["DateSent>"]))
        and ("DateSent<" not in query or sent <= _moment(query["DateSent<"]))
    )


def _moment(text: str) -> datetime:
    if len(text) == len("2026-11-23"):
        return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
    return datetime.fromisoformat(text)
