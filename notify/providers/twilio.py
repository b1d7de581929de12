"""Twilio's Messages, through the official SDK over kept-alive connections."""

import logging
import re
import ssl
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from twilio.http import HttpClient  # type: ignore[import-untyped]
from twilio.http.response import Response  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from notify.domain.errors import UnavailableError
from notify.domain.events import ProviderEvent
from notify.domain.outcome import Accepted, AddressFault, Ambiguous, Outcome, Refused, Transient
from notify.domain.outgoing import OutgoingSms
from notify.providers.http_outcomes import (
    AMBIGUOUS,
    LAST_START_SECONDS,
    NOT_IN_TIME,
    STOPS_THE_BATCH,
    ends_the_batch,
    from_failure,
    from_status,
    json_of,
    not_called,
    retry_after,
)
from notify.providers.keep_alive import (
    Answer,
    BrokenCallError,
    Endpoint,
    NotSentError,
    basic_auth,
    silence_sdk_loggers,
)
from notify.providers.reasons import without_personal_data
from notify.providers.twilio_events import HARD, STOPPED, event_of, receipts_url

_log = logging.getLogger(__name__)

DEFAULT_URL: Final = "https://api.twilio.com"
SHORTEST_VALIDITY: Final = 1
LONGEST_VALIDITY: Final = 36_000

PERMANENT: Final[Mapping[int, str]] = {
    21211: "invalid 'To' number",
    21408: "permission to send to this region is not enabled",
    21610: "the recipient replied STOP to this sender",
    21612: "no route from this sender to the 'To' number",
    21614: "the 'To' number is not a mobile number",
    21617: "the body exceeds 1600 characters",
    21635: "the 'To' number is a landline",
    30004: "message blocked",
    30005: "unknown destination handset",
    30006: "landline or unreachable carrier",
    30007: "carrier violation",
}
"""Refused for good. Our words, since Twilio's contain the number (twilio.com/docs/api/errors)."""

TRANSIENT: Final[Mapping[int, str]] = {
    20003: "credentials refused",
    20429: "too many requests",
    21611: "the sender's queue is full",
    30001: "the queue is full",
    30003: "the handset is unreachable",
    30500: "Twilio's internal error",
}
"""Refused for now."""

_CLOCKS_DIFFER: Final = timedelta(minutes=5)
_PAGE: Final = 100
_MOST_LISTED: Final = 1_000

_PROVIDER_WIDE: Final = frozenset({20003, 20429, 30001})


class TwilioProvider:
    """Hands SMS to Twilio; safe for any number of threads."""

    name = "twilio"
    most = 1

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        base_url: str | None = None,
        timeout: float = 15.0,
        status_callback: str | None = None,
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`base_url` None is Twilio's own; `timeout` in seconds. ValueError for an address that is not HTTP.

        `status_callback` is the URL that gets delivery receipts.
        """
        silence_sdk_loggers()
        url = (base_url or DEFAULT_URL).rstrip("/")
        self._endpoint = Endpoint(url, timeout, tls=tls)
        client = Client(account_sid, auth_token, http_client=_KeepAliveHttpClient(self._endpoint))
        # TWILIO_EDGE and TWILIO_REGION would rewrite the host of any address.
        client.edge = client.region = None
        client.api.base_url = url
        self._messages = client.api.account.messages
        self._status_callback = status_callback

    def send(self, batch: Sequence[OutgoingSms]) -> Sequence[Outcome]:
        """Hand over each message in a call of its own; never raises."""
        outcomes: list[Outcome] = []
        last_start = time.monotonic() + LAST_START_SECONDS
        for message in batch:
            if outcomes and time.monotonic() > last_start:
                outcomes += [NOT_IN_TIME] * (len(batch) - len(outcomes))
                break
            outcome, stop = self._send_one(message)
            outcomes.append(outcome)
            if stop:
                outcomes += [not_called(outcome)] * (len(batch) - len(outcomes))
                break
        return outcomes

    def find(self, to: str, holds: str, since: datetime) -> ProviderEvent | None:
        """Return how the SMS to a number stands whose text holds `holds`; None if there is none since then.

        UnavailableError: the list cannot be read, or is too long to be read whole.
        """
        whole_word = re.compile(rf"(?<![\w-]){re.escape(holds)}(?![\w-])")
        earliest = since - _CLOCKS_DIFFER
        try:
            # Not asked for by date: that is the date of sending, which a message that still waits lacks.
            listed = self._messages.list(to=to, page_size=_PAGE, limit=_MOST_LISTED)
            recent = [one for one in listed if one.date_created is None or one.date_created >= earliest]
            found = next((one for one in recent if whole_word.search(one.body or "")), None)
        except (NotSentError, BrokenCallError) as error:
            raise UnavailableError(f"Twilio's list: {error}") from None
        except _RefusedCallError as error:
            raise UnavailableError(f"Twilio's list: status {error.answer.status}") from None
        except Exception as error:  # noqa: BLE001 - the SDK trusts what it reads; its text may be personal
            raise UnavailableError(f"Twilio's list cannot be read ({type(error).__name__})") from None
        if found:
            at = found.date_sent or found.date_created or since
            return event_of(found.sid, str(found.status), found.error_code, at)
        if len(recent) >= _MOST_LISTED:
            raise UnavailableError("Twilio's list is too long to be read whole")
        if not all(one.body for one in recent):
            raise UnavailableError("Twilio's list has messages whose text was removed")
        return None

    def close(self) -> None:
        """Close idle connections."""
        self._endpoint.close()

    def _send_one(self, message: OutgoingSms) -> tuple[Outcome, bool]:
        """Return the outcome, and whether the rest of the batch would meet the same."""
        try:
            sid = self._messages.create(**self._arguments(message)).sid
        except (NotSentError, BrokenCallError) as error:
            return from_failure(error), ends_the_batch(error)
        except UnicodeEncodeError:
            return Refused("the message cannot be written in UTF-8"), False
        except _RefusedCallError as error:
            return _from_refusal(error.answer, message.to)
        except Exception as error:  # noqa: BLE001 - "never raises", and the SDK trusts what it reads
            # The name alone: the text may be personal.
            _log.error("twilio: %s while its answer was read", type(error).__name__)
            return Ambiguous(f"unreadable answer ({type(error).__name__})"), False
        if not isinstance(sid, str) or not sid:
            return Ambiguous("unreadable answer (no sid)"), False
        return Accepted(sid), False

    def _arguments(self, message: OutgoingSms) -> dict[str, Any]:
        sender = (
            "messaging_service_sid"
            if message.sender.startswith("MG") and _is_sid(message.sender)
            else "from_"
        )
        arguments: dict[str, Any] = {"to": message.to, sender: message.sender, "body": message.text}
        if self._status_callback:
            arguments["status_callback"] = receipts_url(self._status_callback, message.message_ref)
        if message.valid_for is not None:
            arguments["validity_period"] = max(SHORTEST_VALIDITY, min(message.valid_for, LONGEST_VALIDITY))
        return arguments


def _is_sid(text: str) -> bool:
    """Whether it is a type and 32 hexadecimal digits: `MGlobal` may be an alphanumeric sender."""
    digits = text[2:]
    return len(digits) == 32 and all(digit in "0123456789abcdef" for digit in digits.lower())  # noqa: PLR2004


def _from_refusal(answer: Answer, to: str) -> tuple[Outcome, bool]:
    """Decide by Twilio's code, and where it is unknown by the status."""
    parsed = json_of(answer.body)
    error = parsed if isinstance(parsed, dict) else {}
    code, text = error.get("code"), error.get("message") or error.get("title") or error.get("detail")
    stop = answer.status in STOPS_THE_BATCH or code in _PROVIDER_WIDE
    if isinstance(code, int) and answer.status not in {*AMBIGUOUS, 429, 503}:
        if code in PERMANENT:
            return Refused(f"{code} {PERMANENT[code]}", _fault(code)), False
        if code in TRANSIENT:
            limited = code == 20429  # noqa: PLR2004
            return Transient(f"{code} {TRANSIENT[code]}", retry_after(answer.headers, limited=limited)), stop
        _log.warning("twilio: unknown error code %d, decided by status %d", code, answer.status)
    words = ""
    if isinstance(code, int) and isinstance(text, str):
        words = f"{code} {without_personal_data(text, to)}"
    return from_status(answer.status, answer.headers, words=words, own_error=bool(words)), stop


def _fault(code: int) -> AddressFault | None:
    if code == STOPPED:
        return AddressFault.STOPPED
    return AddressFault.BAD if HARD.get(code) else None


class _RefusedCallError(Exception):
    """An answer that is not 2xx; the SDK's own exception would lose its headers, Retry-After among them."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class _KeepAliveHttpClient(HttpClient):  # type: ignore[misc]
    """The SDK's transport over an `Endpoint`.

    Its own returns each answer through an attribute that all threads share (only the moments at which
    CPython switches threads keep them apart), and has neither idle limit nor a way to tell what was sent.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(logging.getLogger("twilio.http_client"), False)
        self._endpoint = endpoint

    def request(  # noqa: PLR0917 - the signature is the SDK's
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the endpoint has its own
        allow_redirects: bool = False,  # noqa: ARG002, FBT001, FBT002 - they are never followed
    ) -> Response:
        """Make one call; NotSentError, BrokenCallError, _RefusedCallError."""
        url = f"{uri}?{urlencode(params, doseq=True)}" if params else uri
        body = urlencode(data, doseq=True).encode() if data else None
        sent = {**(headers or {}), **({"Authorization": basic_auth(*auth)} if auth else {})}
        answer = self._endpoint.call(method, url, body, sent)
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            raise _RefusedCallError(answer)
        return Response(answer.status, (answer.body or b"").decode(), answer.headers)
