"""SendGrid's erasure of what it keeps on recipients of mail."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from notify.domain.errands import ErrandError
from notify.providers.http_outcomes import json_of
from notify.providers.keep_alive import Answer, BrokenCallError, Endpoint, NotSentError

MOST_ADDRESSES: Final = 5_000
"""In one call, and 256 KB: https://www.twilio.com/docs/sendgrid/api-reference/recipients-data-erasure-api."""

_MOST_BYTES: Final = 256_000
_PATH: Final = "/v3/recipients/erasejob"


class SendGridErasure:
    """Has SendGrid forget addresses: names, subjects and IP addresses that it kept with them included."""

    def __init__(self, api_key: str, base_url: str, timeout: float = 15.0) -> None:
        """`timeout` in seconds. ValueError for an address that is not HTTP."""
        base = base_url.rstrip("/")
        self._endpoint = Endpoint(base, timeout)
        self._url = f"{base}{_PATH}"
        self._headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"}

    def __call__(self, payload: Mapping[str, Any]) -> None:
        """Have `payload["addresses"]` erased. ErrandError; harmless to repeat."""
        for addresses in _calls_of(payload["addresses"]):
            self._erase(addresses)

    def _erase(self, addresses: list[str]) -> None:
        """Make one call; once more without what SendGrid says is no address: it cannot have mailed that."""
        answer = self._call(addresses)
        if answer.status == HTTPStatus.BAD_REQUEST:
            left = _without_named(addresses, answer)
            if not left:
                return
            if len(left) < len(addresses):
                answer = self._call(left)
        if answer.status != HTTPStatus.ACCEPTED:
            raise ErrandError(f"SendGrid answered {answer.status}")

    def _call(self, addresses: list[str]) -> Answer:
        body = json.dumps({"email_addresses": addresses}).encode()
        try:
            return self._endpoint.call("POST", self._url, body, self._headers)
        except (NotSentError, BrokenCallError) as error:
            raise ErrandError(f"SendGrid could not be called ({type(error).__name__})") from None

    def close(self) -> None:
        """Close idle connections."""
        self._endpoint.close()


def _calls_of(addresses: list[str]) -> list[list[str]]:
    """Part addresses into calls of a size that SendGrid takes."""
    calls: list[list[str]] = []
    size = 0
    for address in addresses:
        cost = len(json.dumps(address)) + 2
        if not calls or len(calls[-1]) == MOST_ADDRESSES or size + cost > _MOST_BYTES - 100:
            calls.append([])
            size = 0
        calls[-1].append(address)
        size += cost
    return calls


def _without_named(addresses: list[str], answer: Answer) -> list[str]:
    """Return the addresses that no error of the answer names."""
    parsed = json_of(answer.body)
    errors = parsed.get("errors") if isinstance(parsed, dict) else None
    told = [str(one.get("message", "")) for one in errors or () if isinstance(one, dict)]
    words = {word for text in told for word in text.lower().split()}
    return [address for address in addresses if address.lower() not in words]
