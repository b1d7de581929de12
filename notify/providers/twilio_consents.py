"""Twilio's Consents API: its own list of who has opted out of which sender."""

import json
import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from notify.domain.errands import ErrandError
from notify.domain.sms_mirroring import Told
from notify.providers.http_outcomes import json_of
from notify.providers.keep_alive import Answer, BrokenCallError, Endpoint, NotSentError, basic_auth

_log: Final = logging.getLogger(__name__)

DEFAULT_URL: Final = "https://accounts.twilio.com"
_PATH: Final = "/v1/Consents/Bulk"
_WORDS: Final = frozenset(
    {"INVALID_CORRELATION_ID", "INVALID_SENDER_ID", "INVALID_CONTACT_ID", "INVALID_STATUS", "INVALID_SOURCE"}
)
"""Why one of a call is refused for good (twilio.com/docs/api/errors/30646)."""


class TwilioConsents:
    """Tells Twilio of opt-outs (`POST /v1/Consents/Bulk` of twilio_accounts_v1.json); harmless to repeat."""

    def __init__(
        self, account_sid: str, auth_token: str, base_url: str | None = None, timeout: float = 15.0
    ) -> None:
        """`base_url` None is Twilio's own, `timeout` in seconds. ValueError: the address is not HTTP."""
        base = (base_url or DEFAULT_URL).rstrip("/")
        self._endpoint = Endpoint(base, timeout)
        self._url = f"{base}{_PATH}"
        self._headers = {
            "Authorization": basic_auth(account_sid, auth_token),
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }

    def tell(self, told: Sequence[Told]) -> None:
        """Tell of at most `MOST_TOLD`. ErrandError where all or one of them is to be told again."""
        body = urlencode([("Items", json.dumps(_item(one))) for one in told]).encode()
        try:
            answer = self._endpoint.call("POST", self._url, body, self._headers)
        except (NotSentError, BrokenCallError) as error:
            raise ErrandError(f"Twilio could not be called ({type(error).__name__})") from None
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            raise ErrandError(f"Twilio answered {answer.status}{_code(answer)}")
        self._read(answer, {one.reference: one for one in told})

    def close(self) -> None:
        """Close idle connections."""
        self._endpoint.close()

    def _read(self, answer: Answer, told: dict[str, Told]) -> None:
        """Look at what became of each; what Twilio will never take is logged, without the number."""
        parsed = json_of(answer.body)
        items = parsed.get("items") if isinstance(parsed, dict) else None
        if not isinstance(items, list):
            raise ErrandError("Twilio's answer cannot be read")
        passing = False
        for item in items:
            if (
                not isinstance(item, dict)
                or item.get("correlation_id") not in told
                or not item.get("error_code")
            ):
                continue
            words = {str(word) for word in item.get("error_messages") or ()}
            passing = passing or not words & _WORDS
            if words & _WORDS:
                sender = told[item["correlation_id"]].sender
                _log.warning(
                    "twilio: consent refused: %s", ", ".join(sorted(words & _WORDS)), extra={"sender": sender}
                )
        if passing:
            raise ErrandError("Twilio could not take all of them for now")


def _item(told: Told) -> dict[str, Any]:
    return {
        "contact_id": told.phone,
        "correlation_id": told.reference,
        "sender_id": told.sender,
        "status": "opt-out" if told.opted_out else "opt-in",
        "source": told.source,
        "date_of_consent": told.at,
    }


def _code(answer: Answer) -> str:
    parsed = json_of(answer.body)
    code = parsed.get("code") if isinstance(parsed, dict) else None
    return f", error {code}" if isinstance(code, int) else ""
