"""Twilio's Consents API on the loopback interface: checks each item of a call as the real one does."""

import json
import re
from typing import Any, Final
from urllib.parse import parse_qsl

from tests.loopback.server import Received, Reply, json_reply

CONSENTS: Final = "/v1/Consents/Bulk"

_MOST: Final = 25
_REFUSED: Final = 30646
_CHECKS: Final = (
    ("correlation_id", r"[0-9a-f]{32}", "INVALID_CORRELATION_ID"),
    ("contact_id", r"\+[1-9]\d{6,14}", "INVALID_CONTACT_ID"),
    ("sender_id", r"MG[0-9a-f]{32}|\+?\d{4,15}", "INVALID_SENDER_ID"),
    ("status", r"opt-in|opt-out", "INVALID_STATUS"),
    ("source", r"website|offline|opt-in-message|opt-out-message|others", "INVALID_SOURCE"),
)
"""twilio.com/docs/messaging/features/consent-api and twilio.com/docs/api/errors/30646."""


Taken = dict[tuple[str, str], str]
"""What Twilio holds, by number and sender."""


class ConsentsLoopback:
    """Takes consents; `status` is what it holds."""

    def __init__(self) -> None:
        self.status: Taken = {}
        self.calls: list[list[dict[str, Any]]] = []
        self.failing: list[str] = []
        """Words with which the first items to come are refused."""

    def judge(self, call: Received) -> tuple[Reply, Taken]:
        """Answer as accounts.twilio.com does, but only return what would be held."""
        try:
            form = parse_qsl(call.body.decode(), strict_parsing=True)
            items = [json.loads(value) for name, value in form if name == "Items"]
        except ValueError:
            items = []
        if not 0 < len(items) <= _MOST:
            message = "Items must be a list of 1 to 25 objects"
            return json_reply(400, {"code": 30646, "message": message, "status": 400}), {}
        self.calls.append(items)
        answers = [self._answer(item) for item in items]
        taken = {
            (item["contact_id"], item["sender_id"]): item["status"]
            for item, said in zip(items, answers, strict=True)
            if not said["error_code"]
        }
        return json_reply(201, {"items": answers}), taken

    def keep(self, taken: Taken) -> None:
        """Hold it from now on."""
        self.status.update(taken)

    def _answer(self, item: dict[str, Any]) -> dict[str, Any]:
        wrong = [word for name, form, word in _CHECKS if not re.fullmatch(form, str(item.get(name)))]
        if self.failing:
            wrong.append(self.failing.pop(0))
        return {
            "correlation_id": item.get("correlation_id"),
            "error_code": _REFUSED if wrong else 0,
            "error_messages": wrong,
        }
