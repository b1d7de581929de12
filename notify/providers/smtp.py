"""Any SMTP server (RFC 5321): a relay, a company's own, or a catcher such as Mailpit."""

import contextlib
import logging
import re
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self
from urllib.parse import parse_qs, unquote, urlsplit

from notify.domain.errors import ConfigurationError
from notify.domain.mime import message_id_of, mime_message, needs_smtputf8, split_sender
from notify.domain.outcome import Accepted, AddressFault, Ambiguous, Outcome, Refused, Transient
from notify.domain.outgoing import OutgoingEmail
from notify.providers.http_outcomes import LAST_START_SECONDS, NOT_IN_TIME
from notify.providers.keep_alive import CONNECT_SECONDS
from notify.providers.names import Names
from notify.providers.reasons import without_personal_data
from notify.providers.tls import default_tls
from notify.providers.wire import connected, left

_log = logging.getLogger(__name__)

_PORTS: Final = {"smtp": 587, "smtps": 465}
_YES: Final = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
_CHECK_AFTER: Final = 1.0  # seconds of idling after which a connection is asked whether it lives
_CHECK_SECONDS: Final = 2.0  # how long that question may take
_READY: Final = 220
_DONE: Final = 250
_GO_ON: Final = 354
_CLOSING: Final = 421
_PERMANENT_FROM: Final = 500
_BAD_ADDRESS: Final = re.compile(rb"5\.1\.(?:1|2|3|6|10)\b")
"""Enhanced codes of a recipient's address that is bad for good (RFC 3463, 3.2; RFC 7505, 4.2)."""

_QUEUE_ID: Final = re.compile(rb"queued(?: mail for delivery)?(?: as)?[ :=]+<?([\w.+-]+)", re.IGNORECASE)

CREDENTIALS: Final = frozenset({432, 454, 530, 534, 535, 538})
"""Replies about who we are (RFC 4954, 6): the operator's fault, never the address's."""


@dataclass(frozen=True, slots=True)
class SmtpAddress:
    """Where the server is and how to get in; read from `smtp://user:password@host:587?starttls=1`."""

    host: str
    port: int
    tls: bool
    starttls: bool
    user: str | None
    password: str | None

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read the URL; `smtps://` is TLS from the start. ConfigurationError keeps the value to itself."""
        try:
            parts = urlsplit(url)
            default_port = _PORTS[parts.scheme]
            options = parse_qs(parts.query, strict_parsing=bool(parts.query))
            starttls = _YES[options.pop("starttls", ["0"])[-1].lower()]
            port = parts.port or default_port
        except (ValueError, KeyError):
            parts = None
        if parts is None or not parts.hostname or options:
            raise ConfigurationError(
                "SMTP_URL must look like smtp://user:password@host:587?starttls=1, or smtps://… for TLS from"
                " the start; the only option is starttls, and user and password are percent-encoded."
            )
        user, password = (unquote(part) if part else None for part in (parts.username, parts.password))
        return cls(parts.hostname, port, parts.scheme == "smtps", starttls, user, password)


class _NotSentError(Exception):
    """The message certainly was not taken; `permanent` if it never will be, `fatal` if none will be now."""

    def __init__(
        self, reason: str, *, code: int | None = None, permanent: bool = False, fatal: bool = False
    ) -> None:
        super().__init__(reason)
        self.code = code
        self.permanent = permanent
        self.fatal = fatal
        self.bad_address = False


class _LostError(Exception):
    """The whole message went out, and no reply came."""


class SmtpProvider:
    """Hands e-mails to an SMTP server over connections that stay open; safe for any number of threads."""

    name = "smtp"
    most = 1

    def __init__(self, url: str, timeout: float = 15.0, *, tls: ssl.SSLContext | None = None) -> None:
        """`timeout` in seconds, for the whole dialogue of a message. ConfigurationError for a wrong URL."""
        self._address = SmtpAddress.parse(url)
        self._names = Names(self._address.host, self._address.port)
        self._timeout = timeout
        self._tls = tls or default_tls()
        self._idle: list[tuple[smtplib.SMTP, float]] = []
        self._lock = threading.Lock()

    def send(self, batch: Sequence[OutgoingEmail]) -> Sequence[Outcome]:
        """Hand over one message after the other; never raises."""
        outcomes: list[Outcome] = []
        last_start = time.monotonic() + LAST_START_SECONDS
        for message in batch:
            if outcomes and time.monotonic() > last_start:
                outcomes += [NOT_IN_TIME] * (len(batch) - len(outcomes))
                break
            outcome, stop = self._send_one(message.filled())
            outcomes.append(outcome)
            if stop:
                rest = Transient(f"not tried, after: {getattr(outcome, 'reason', '')}")
                outcomes += [rest] * (len(batch) - len(outcomes))
                break
        return outcomes

    def close(self) -> None:
        """Close idle connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection, _ in idle:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                connection.quit()
            connection.close()

    def _send_one(self, message: OutgoingEmail) -> tuple[Outcome, bool]:
        """Return the outcome, and whether the rest of the batch would meet the same."""
        try:
            now = datetime.now(UTC)
            content = mime_message(message, message_id=message_id_of(message, now), date=now)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, it cannot be written
            return Refused(f"the message cannot be written as MIME ({type(error).__name__})"), False
        try:
            return Accepted(self._hand_over(message, content)), False
        except _NotSentError as error:
            code = f"{error.code} " if error.code else ""
            reason = code + without_personal_data(str(error), message.to)
            if not error.permanent:
                return Transient(reason), error.fatal
            return Refused(reason, AddressFault.BAD if error.bad_address else None), error.fatal
        except _LostError as error:
            return Ambiguous(str(error)), False
        except Exception as error:  # noqa: BLE001 - "never raises"
            # The name alone: the text may be personal.
            _log.error("smtp: %s in mid-dialogue", type(error).__name__)
            return Ambiguous(f"{type(error).__name__} in mid-dialogue"), False

    def _hand_over(self, message: OutgoingEmail, content: bytes) -> str | None:
        """Send over a kept connection, else, if that turns out dead before the message is out, a new one."""
        deadline = time.monotonic() + self._timeout
        kept = self._take_idle()
        if kept:
            try:
                return self._dialogue(kept, message, content, deadline)
            except _NotSentError as error:
                if error.fatal or not isinstance(error, _DroppedError):
                    raise
        return self._dialogue(self._connect(deadline), message, content, deadline)

    def _dialogue(
        self, connection: smtplib.SMTP, message: OutgoingEmail, content: bytes, deadline: float
    ) -> str | None:
        """Go through one transaction; the connection is kept if it can serve again."""
        try:
            theirs = _transaction(connection, message, content, deadline)
        except (_DroppedError, _LostError):
            connection.close()
            raise
        except _NotSentError:
            self._reset(connection)
            raise
        except BaseException:
            connection.close()
            raise
        self._keep(connection)
        return theirs

    def _reset(self, connection: smtplib.SMTP) -> None:
        """End the transaction that was refused, so that the connection can take another."""
        try:
            code, _ = connection.rset()
        except (smtplib.SMTPException, OSError):
            code = _CLOSING
        if code == _DONE:
            self._keep(connection)
        else:
            connection.close()

    def _keep(self, connection: smtplib.SMTP) -> None:
        with self._lock:
            self._idle.append((connection, time.monotonic()))

    def _take_idle(self) -> smtplib.SMTP | None:
        """Return a kept connection that still answers, if there is one."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection, since = self._idle.pop()
            if time.monotonic() - since < _CHECK_AFTER:
                return connection
            with contextlib.suppress(smtplib.SMTPException, OSError):
                _within(connection, time.monotonic() + _CHECK_SECONDS)
                if connection.noop()[0] == _DONE:
                    return connection
            connection.close()

    def _connect(self, deadline: float) -> smtplib.SMTP:
        """Open a connection, with TLS and login as the URL says. _NotSentError."""
        where = self._address
        connection = _Connection(self._names, deadline, self._tls if where.tls else None, where.host)
        try:
            code, reply = connection.connect(where.host, where.port)
            if code != _READY:
                raise smtplib.SMTPConnectError(code, reply)
            _within(connection, deadline).ehlo_or_helo_if_needed()
            if where.starttls:
                _within(connection, deadline).starttls(context=self._tls)
                _within(connection, deadline).ehlo()
            if where.user:
                _within(connection, deadline).login(where.user, where.password or "")
        except (smtplib.SMTPException, OSError) as error:
            connection.close()
            raise _NotSentError(_why_no_connection(error), fatal=True) from None
        return connection


class _Connection(smtplib.SMTP):
    """Connects within a deadline, whatever the number of the host's addresses."""

    def __init__(self, names: Names, deadline: float, tls: ssl.SSLContext | None, host: str) -> None:
        # An explicit name: the standard library would look one up, which can take long.
        super().__init__(local_hostname=_greeting_name())
        self._names = names
        self._deadline = deadline
        self._tls = tls
        # What STARTTLS checks the certificate against; smtplib sets it only if it connects by itself.
        self._host = host

    def _get_socket(self, *_: object) -> socket.socket:
        wire = connected(self._names, min(self._deadline, time.monotonic() + CONNECT_SECONDS))
        try:
            wire.settimeout(left(self._deadline))
            return self._tls.wrap_socket(wire, server_hostname=self._host) if self._tls else wire
        except BaseException:
            wire.close()
            raise


def _within(connection: smtplib.SMTP, deadline: float) -> smtplib.SMTP:
    """Let the next step end at the deadline. TimeoutError if that has passed."""
    if connection.sock:
        connection.sock.settimeout(left(deadline))
    return connection


class _DroppedError(_NotSentError):
    """The connection ended before the message was out."""


def _transaction(
    connection: smtplib.SMTP, message: OutgoingEmail, content: bytes, deadline: float
) -> str | None:
    """Run MAIL, RCPT, DATA; return the server's queue id if its reply names one.

    `smtplib.SMTP.data` is one step; here it is two, because only a drop after the last byte is ambiguous
    (RFC 5321, 4.2.5; RFC 1047 is about this gap).
    """
    options = []
    if needs_smtputf8(message):
        if not connection.has_extn("smtputf8"):
            raise _NotSentError("the server takes no addresses outside ASCII (SMTPUTF8)", permanent=True)
        options = ["SMTPUTF8", "BODY=8BITMIME"]
    try:
        _expect(_DONE, *_within(connection, deadline).mail(split_sender(message.sender)[1], options))
        _expect_recipient(*_within(connection, deadline).rcpt(message.to))
        _expect(_GO_ON, *_within(connection, deadline).docmd("DATA"))
        _within(connection, deadline).send(re.sub(rb"(?m)^\.", b"..", content) + b".\r\n")
    except (smtplib.SMTPException, OSError) as error:
        late = isinstance(_cause(error), TimeoutError)
        what = "no reply in time" if late else f"the connection ended ({type(_cause(error)).__name__})"
        raise _DroppedError(f"{what} before the message was sent", fatal=late) from None
    try:
        code, reply = _within(connection, deadline).getreply()
    except (smtplib.SMTPException, OSError) as error:
        name = type(_cause(error)).__name__
        raise _LostError(f"no reply after the message was sent ({name})") from None
    if code < 0:
        raise _LostError("unreadable reply after the message was sent")
    _expect(_DONE, code, reply)
    found = _QUEUE_ID.search(reply)
    return found[1].decode() if found else None


def _expect(wanted: int, code: int, reply: bytes) -> None:
    """Raise for any reply but the one wanted: 4xx passes, 5xx stays (RFC 5321, 4.2.1)."""
    if code // 100 == wanted // 100:
        return
    text = reply.decode("utf-8", "replace")
    if code in CREDENTIALS:
        raise _NotSentError(f"credentials refused: {text}", code=code, fatal=True)
    if code == _CLOSING or code < 0:
        raise _DroppedError(text, code=code)
    raise _NotSentError(text, code=code, permanent=code >= _PERMANENT_FROM)


def _expect_recipient(code: int, reply: bytes) -> None:
    """Raise for any reply to RCPT but 2xx, and tell whether the address is bad for good."""
    try:
        _expect(_DONE, code, reply)
    except _NotSentError as error:
        error.bad_address = error.permanent and _BAD_ADDRESS.match(reply) is not None
        raise


_NO_CONNECTION: Final[tuple[tuple[type[Exception], str], ...]] = (
    (smtplib.SMTPAuthenticationError, "credentials refused"),
    (smtplib.SMTPNotSupportedError, "the server does not offer STARTTLS or AUTH"),
    (smtplib.SMTPResponseException, "the server does not let us in"),
    (ssl.SSLError, "TLS failed"),
    (socket.gaierror, "the name cannot be looked up"),
    (ConnectionRefusedError, "connection refused"),
    (TimeoutError, "no connection in time"),
)
"""The first that fits; SSLError and gaierror are OSErrors, and so are the two below them."""


def _why_no_connection(error: Exception) -> str:
    cause = _cause(error)
    text = next((text for kind, text in _NO_CONNECTION if isinstance(cause, kind)), "no connection")
    code = getattr(cause, "smtp_code", None)
    return f"{text} ({code or type(cause).__name__})"


def _cause(error: Exception) -> BaseException:
    """Return the socket's error, where smtplib wrapped one as SMTPServerDisconnected."""
    inner = error.__context__
    return inner if isinstance(error, smtplib.SMTPServerDisconnected) and inner else error


def _greeting_name() -> str:
    """Return what to say in EHLO: this host's name if it is a full one, else an address literal."""
    name = socket.gethostname()
    return name if "." in name else "[127.0.0.1]"
