"""SendGrid's v3 mail/send, through the official SDK over kept-alive connections."""

import json
import logging
import re
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from python_http_client import Client  # type: ignore[import-untyped]
from sendgrid import SendGridAPIClient  # type: ignore[import-untyped]

from notify.domain.mime import split_sender
from notify.domain.outcome import Accepted, Ambiguous, Outcome, Refused, Transient
from notify.domain.outgoing import OutgoingEmail
from notify.providers.http_outcomes import (
    STOPS_THE_BATCH,
    ends_the_batch,
    from_failure,
    from_status,
    json_of,
    not_called,
)
from notify.providers.keep_alive import (
    Answer,
    BrokenCallError,
    Endpoint,
    NotSentError,
    silence_sdk_loggers,
)
from notify.providers.reasons import without_personal_data

_log = logging.getLogger(__name__)

MOST_PERSONALIZATIONS: Final = 1_000

FORBIDDEN_HEADERS: Final = frozenset({
    "bcc", "cc", "content-transfer-encoding", "content-type", "dkim-signature", "from", "received",
    "reply-to", "subject", "to", "x-sg-eid", "x-sg-id",
})  # fmt: skip
"""Lower-case; mail/send refuses a call that sets one (tsg_mail_v3.yaml, personalizations.headers)."""

TRACKING_OFF: Final[Mapping[str, Mapping[str, bool]]] = {
    # Said each time: what is left out takes the account's default, and subscription tracking would put a
    # List-Unsubscribe of its own into the message.
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
    "ganalytics": {"enable": False},
}

_NAMED: Final = re.compile(r"personalizations[.\[](\d+)")
_SHARED_FIELD: Final = re.compile(r"(from|reply_to|subject|content|tracking_settings)\b")
_SPLIT: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE})


def shared_parts(message: OutgoingEmail) -> tuple[str | None, ...]:
    """Return what messages must have in common to go in one call."""
    return (message.sender, message.reply_to, message.subject, message.html, message.text)


def payload(messages: Sequence[OutgoingEmail]) -> dict[str, Any]:
    """Return the body of one call for messages that have their `shared_parts` in common."""
    first = messages[0]
    body: dict[str, Any] = {
        "personalizations": [_personalization(message) for message in messages],
        "from": _mailbox(first.sender),
        "subject": first.subject,
        "content": [
            # Plain text first: SendGrid refuses any other order.
            {"type": kind, "value": value}
            for kind, value in (("text/plain", first.text), ("text/html", first.html))
            if value
        ],
        "tracking_settings": TRACKING_OFF,
    }
    if first.reply_to:
        body["reply_to"] = _mailbox(first.reply_to)
    return body


def _personalization(message: OutgoingEmail) -> dict[str, Any]:
    """`custom_args` come back in every event, and are kept for long: they hold an id only."""
    headers = {
        name: value for name, value in message.headers.items() if name.lower() not in FORBIDDEN_HEADERS
    }
    return {
        "to": [{"email": message.to}],
        **({"headers": headers} if headers else {}),
        "custom_args": {"message_id": message.message_ref},
    }


def _mailbox(text: str) -> dict[str, str]:
    name, address = split_sender(text)
    return {"email": address, "name": name} if name else {"email": address}


class SendGridProvider:
    """Hands e-mails to SendGrid; safe for any number of threads."""

    name = "sendgrid"

    def __init__(
        self,
        api_key: str,
        base_url: str = "https://api.sendgrid.com",
        timeout: float = 15.0,
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`base_url` may have a path; `timeout` in seconds. ValueError for an address that is not HTTP."""
        silence_sdk_loggers()
        host = base_url.rstrip("/")
        self._endpoint = Endpoint(host, timeout, tls=tls)
        self._api = SendGridAPIClient(api_key, host=host)
        self._api.client = _KeepAliveClient(
            self._endpoint, host=host, request_headers=self._api.client.request_headers, version=3
        )

    def send(self, batch: Sequence[OutgoingEmail]) -> Sequence[Outcome]:
        """Hand over each message, those alike in one call; never raises."""
        return _Handover(self._api, batch).outcomes()

    def close(self) -> None:
        """Close idle connections."""
        self._endpoint.close()


class _Handover:
    """One batch on its way: what is left to call, and what came of the rest."""

    def __init__(self, api: SendGridAPIClient, batch: Sequence[OutgoingEmail]) -> None:
        self._api = api
        self._batch = batch
        self._outcomes: dict[int, Outcome] = {}
        self._stopped: Transient | None = None

    def outcomes(self) -> list[Outcome]:
        """Make the calls and return the outcomes in the order of the batch."""
        for group in self._groups():
            self._hand_over(group)
        return [self._outcomes[index] for index in range(len(self._batch))]

    def _groups(self) -> Iterator[list[int]]:
        alike: dict[tuple[str | None, ...], list[int]] = {}
        for index, message in enumerate(self._batch):
            alike.setdefault(shared_parts(message), []).append(index)
        for group in alike.values():
            for start in range(0, len(group), MOST_PERSONALIZATIONS):
                yield group[start : start + MOST_PERSONALIZATIONS]

    def _hand_over(self, group: list[int]) -> None:
        """Call until each message has its outcome: a refused call is taken apart, not given up."""
        waiting = [group]
        while waiting:
            indices = waiting.pop()
            if self._stopped:
                self._settle(indices, self._stopped)
                continue
            try:
                answer = self._call(indices)
            except UnencodableError:
                if len(indices) > 1:
                    waiting.extend(_halves(indices))
                else:
                    self._settle(indices, Refused("the message cannot be written as JSON"))
            else:
                waiting.extend(self._read(indices, answer) if answer else ())

    def _call(self, indices: list[int]) -> Answer | None:
        """Make one call; None if its outcome is settled without an answer. UnencodableError."""
        try:
            answer: Answer = self._api.send(payload([self._batch[index] for index in indices]))
        except (NotSentError, BrokenCallError) as error:
            outcome = from_failure(error)
            self._settle(indices, outcome)
            if ends_the_batch(error):
                self._stopped = not_called(outcome)
        except UnencodableError:
            raise
        except Exception as error:  # noqa: BLE001 - "never raises": whatever it was, the batch needs outcomes
            # The name alone: the text may be personal.
            _log.error("sendgrid: %s in mid-call", type(error).__name__)
            self._settle(indices, Ambiguous(f"{type(error).__name__} in mid-call"))
        else:
            return answer
        return None

    def _read(self, indices: list[int], answer: Answer) -> list[list[int]]:
        """Settle what the answer settles; return what has to be called again."""
        if answer.status == HTTPStatus.ACCEPTED:
            self._settle(indices, Accepted(answer.headers.get("X-Message-Id")))
            return []
        errors = _errors(answer.body)
        if answer.status in _SPLIT and len(indices) > 1:
            return self._split(indices, errors)
        for index in indices:
            words = "; ".join(without_personal_data(error.text, self._batch[index].to) for error in errors)
            self._outcomes[index] = from_status(
                answer.status, answer.headers, words=words, own_error=bool(errors)
            )
        if answer.status in STOPS_THE_BATCH:
            self._stopped = not_called(self._outcomes[indices[0]])
        return []

    def _split(self, indices: list[int], errors: Sequence["_Error"]) -> list[list[int]]:
        """Drop the messages the errors name; where they name none, halve to find it."""
        named: dict[int, str] = {}
        for error in errors:
            if error.position is not None and error.position < len(indices):
                named.setdefault(indices[error.position], error.text)
        for index, text in named.items():
            self._outcomes[index] = Refused(f"400 {without_personal_data(text, self._batch[index].to)}")
        if named:
            rest = [index for index in indices if index not in named]
            return [rest] if rest else []
        if errors and all(_SHARED_FIELD.match(error.field) for error in errors):
            # Every half would be refused for the same.
            reason = without_personal_data("; ".join(error.text for error in errors))
            self._settle(indices, Refused(f"400 {reason}"))
            return []
        return _halves(indices)

    def _settle(self, indices: list[int], outcome: Outcome) -> None:
        self._outcomes.update(dict.fromkeys(indices, outcome))


def _halves(indices: list[int]) -> list[list[int]]:
    """Return both halves, the first one last: it is called next."""
    middle = len(indices) // 2
    return [indices[middle:], indices[:middle]]


@dataclass(frozen=True, slots=True)
class _Error:
    """One error of a refusal; `position` is the personalization it names."""

    text: str
    field: str
    position: int | None


def _errors(body: bytes | None) -> list[_Error]:
    """Read SendGrid's own error body; empty if it is not one."""
    parsed = json_of(body)
    found = parsed.get("errors") if isinstance(parsed, dict) else None
    errors = []
    for item in found if isinstance(found, list) else ():
        if isinstance(item, dict) and isinstance(item.get("message"), str):
            field = item.get("field") if isinstance(item.get("field"), str) else ""
            match = _NAMED.search(field or "") or _NAMED.search(item["message"])
            errors.append(_Error(item["message"], field or "", int(match[1]) if match else None))
    return errors


class UnencodableError(Exception):
    """A message cannot be written as JSON in UTF-8, as with half a surrogate pair."""


class _KeepAliveClient(Client):  # type: ignore[misc]
    """The SDK's client over an `Endpoint`: its own opens a new connection, and a TLS session, for each call.

    Answers come back whole, whatever their status, so that their headers can be read.
    """

    def __init__(self, endpoint: Endpoint, **kwargs: Any) -> None:  # noqa: ANN401 - as the SDK
        super().__init__(**kwargs)
        self._endpoint = endpoint

    def _build_client(self, name: str | None = None) -> "_KeepAliveClient":
        """Return the client one path segment further; the SDK's would be of its own class."""
        return _KeepAliveClient(
            self._endpoint,
            host=self.host,
            version=self._version,
            request_headers=self.request_headers,
            url_path=[*self._url_path, name] if name else self._url_path,
        )

    def post(self, request_body: Mapping[str, Any]) -> Answer:
        """POST JSON. NotSentError, BrokenCallError, UnencodableError."""
        try:
            body = json.dumps(request_body, ensure_ascii=False, separators=(",", ":")).encode()
        except (TypeError, ValueError):
            raise UnencodableError from None
        headers = {**self.request_headers, "Content-Type": "application/json"}
        return self._endpoint.call("POST", self._build_url(None), body, headers)
