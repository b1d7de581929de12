"""SendGrid's v3 mail/send, through the official SDK over kept-alive connections."""

import logging
import re
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Final

from python_http_client import Client  # type: ignore[import-untyped]
from sendgrid import SendGridAPIClient  # type: ignore[import-untyped]

from notify.domain.outcome import Accepted, AddressFault, Ambiguous, Outcome, Refused, Transient
from notify.domain.outgoing import OutgoingEmail
from notify.providers.http_outcomes import (
    LAST_START_SECONDS,
    NOT_IN_TIME,
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
from notify.providers.sendgrid_payload import (
    MOST_PERSONALIZATIONS,
    UnencodableError,
    calls_of,
    encode,
    fits,
    personalization,
    shared,
    shared_parts,
    whole,
)

_log = logging.getLogger(__name__)

_NAMED: Final = re.compile(r"personalizations[.\[](\d{1,4})(?!\d)")
_ADDRESS_FIELD: Final = re.compile(r"personalizations\.\d+\.to\.\d+\.email")
_NO_ADDRESS: Final = "valid address"
_SHARED_FIELD: Final = re.compile(r"(from|reply_to|subject|content|tracking_settings)\b")
_SPLIT: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE})


class SendGridProvider:
    """Hands e-mails to SendGrid; safe for any number of threads."""

    name = "sendgrid"
    most = MOST_PERSONALIZATIONS

    def __init__(
        self,
        api_key: str,
        base_url: str = "https://api.sendgrid.com",
        timeout: float = 15.0,
        *,
        tls: ssl.SSLContext | None = None,
        last_start: float = LAST_START_SECONDS,
    ) -> None:
        """`base_url` may have a path; `timeout` in seconds. ValueError for an address that is not HTTP.

        `last_start`: how many seconds after its beginning a batch may begin another call.
        """
        self._last_start = last_start
        silence_sdk_loggers()
        host = base_url.rstrip("/")
        self._endpoint = Endpoint(host, timeout, tls=tls)
        sdk = SendGridAPIClient(api_key, host=host).client
        client = _KeepAliveClient(self._endpoint, host=host, request_headers=sdk.request_headers, version=3)
        self._mail_send = client.mail.send

    def send(self, batch: Sequence[OutgoingEmail]) -> Sequence[Outcome]:
        """Hand over each message, those alike in one call; never raises."""
        return _Handover(self._mail_send.post, batch, self._last_start).outcomes()

    def close(self) -> None:
        """Close idle connections."""
        self._endpoint.close()


@dataclass(slots=True)
class _Group:
    """Messages alike: what they share, and each one's own part by its place in the batch, all encoded."""

    shared: bytes
    own: dict[int, bytes] = field(default_factory=dict)


class _Handover:
    """One batch on its way: what is left to call, and what came of the rest."""

    def __init__(
        self, post: Callable[[bytes], Answer], batch: Sequence[OutgoingEmail], last_start: float
    ) -> None:
        self._post = post
        self._batch = batch
        self._outcomes: dict[int, Outcome] = {}
        self._stopped: Transient | None = None
        self._last_start = time.monotonic() + last_start
        self._called = False

    def outcomes(self) -> list[Outcome]:
        """Make the calls and return the outcomes in the order of the batch."""
        for group in self._groups():
            sizes = {index: len(part) for index, part in group.own.items()}
            for call in calls_of(list(group.own), sizes, len(group.shared)):
                self._hand_over(group, call)
        return [self._outcomes[index] for index in range(len(self._batch))]

    def _groups(self) -> list[_Group]:
        """Encode everything once; what cannot be written is refused by itself."""
        groups: dict[tuple[str | None, ...], _Group] = {}
        for index, given in enumerate(self._batch):
            message = given
            try:
                part = encode(personalization(message))
                if message.substitutions and not fits(message, part):
                    message = message.filled()
                    part = encode(personalization(message))
                key = shared_parts(message)
                group = groups.get(key) or groups.setdefault(key, _Group(encode(shared(message))))
            except UnencodableError:
                self._settle([index], Refused("the message cannot be written as JSON"))
            else:
                group.own[index] = part
        return list(groups.values())

    def _hand_over(self, group: _Group, call: list[int]) -> None:
        """Call until each message has its outcome: a refused call is taken apart, not given up."""
        waiting = [call]
        while waiting:
            indices = waiting.pop()
            if self._stopped is None and self._called and time.monotonic() > self._last_start:
                self._stopped = NOT_IN_TIME
            if self._stopped:
                self._settle(
                    indices, self._stopped if indices is call else replace(self._stopped, part=indices[0])
                )
                continue
            answer = self._call(group, indices)
            waiting.extend(self._read(indices, answer) if answer else ())

    def _call(self, group: _Group, indices: list[int]) -> Answer | None:
        """Make one call; None if its outcome is settled without an answer."""
        self._called = True
        try:
            return self._post(whole(group.shared, [group.own[index] for index in indices]))
        except (NotSentError, BrokenCallError) as error:
            outcome = from_failure(error)
            self._settle(indices, outcome)
            if ends_the_batch(error):
                self._stopped = not_called(outcome)
        except Exception as error:  # noqa: BLE001 - "never raises": whatever it was, the batch needs outcomes
            # The name alone: the text may be personal.
            _log.error("sendgrid: %s in mid-call", type(error).__name__)
            self._settle(indices, Ambiguous(f"{type(error).__name__} in mid-call"))
        return None

    def _read(self, indices: list[int], answer: Answer) -> list[list[int]]:
        """Settle what the answer settles; return what has to be called again."""
        if answer.status == HTTPStatus.ACCEPTED:
            self._settle(indices, Accepted(answer.headers.get("X-Message-Id")))
            return []
        errors = _errors(answer.body)
        if answer.status in _SPLIT and len(indices) > 1:
            return self._split(indices, errors)
        words = self._words("; ".join(error.text for error in errors), indices)
        outcome = from_status(answer.status, answer.headers, words=words, own_error=bool(errors))
        if isinstance(outcome, Refused) and len(errors) == 1:
            outcome = replace(outcome, fault=errors[0].fault)
        self._settle(indices, outcome)
        if answer.status in STOPS_THE_BATCH:
            self._stopped = not_called(outcome)
        return []

    def _split(self, indices: list[int], errors: Sequence["_Error"]) -> list[list[int]]:
        """Drop the messages the errors name; where they name none, halve to find it."""
        named: dict[int, _Error] = {}
        for error in errors:
            if error.position is not None and error.position < len(indices):
                named.setdefault(indices[error.position], error)
        # One object for messages with one fate: those who record go by it.
        same: dict[Refused, Refused] = {}
        for index, error in named.items():
            refused = Refused(f"400 {self._words(error.text, [index])}", error.fault)
            self._settle([index], same.setdefault(refused, refused))
        if named:
            rest = [index for index in indices if index not in named]
            return [rest] if rest else []
        if errors and all(_SHARED_FIELD.match(error.field) for error in errors):
            # Every half would be refused for the same.
            self._settle(indices, Refused(f"400 {self._words('; '.join(e.text for e in errors), indices)}"))
            return []
        return _halves(indices)

    def _words(self, text: str, indices: list[int]) -> str:
        """Return SendGrid's words without what is personal of any message of the call."""
        if not text:
            return ""
        heard = text.lower()
        known = (self._batch[index].to for index in indices)
        return without_personal_data(text, *(to for to in known if to.partition("@")[0].lower() in heard))

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

    @property
    def fault(self) -> AddressFault | None:
        """Whether it says that the recipient's address is none."""
        bad = _ADDRESS_FIELD.fullmatch(self.field) and _NO_ADDRESS in self.text
        return AddressFault.BAD if bad else None


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


class _KeepAliveClient(Client):  # type: ignore[misc]
    """The SDK's client over an `Endpoint`: its own opens a new connection, and a TLS session, for each call.

    Answers come back whole, whatever their status, so that their headers can be read.
    """

    def __init__(self, endpoint: Endpoint, **kwargs: Any) -> None:  # noqa: ANN401 - as the SDK
        super().__init__(**kwargs)
        self._endpoint = endpoint
        self._url = self._build_url(None)
        self._headers = {**self.request_headers, "Content-Type": "application/json"}

    def _build_client(self, name: str | None = None) -> "_KeepAliveClient":
        """Return the client one path segment further; the SDK's would be of its own class."""
        return _KeepAliveClient(
            self._endpoint,
            host=self.host,
            version=self._version,
            request_headers=self.request_headers,
            url_path=[*self._url_path, name] if name else self._url_path,
        )

    def post(self, request_body: bytes) -> Answer:
        """POST JSON that is encoded already. NotSentError, BrokenCallError."""
        return self._endpoint.call("POST", self._url, request_body, self._headers)
