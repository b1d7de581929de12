"""Structured logs of every process: JSON lines, or readable ones on a terminal, without personal data."""

import json
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, Final, TextIO

import structlog
from structlog.typing import Processor

_SILENCED: Final = ("twilio", "python_http_client", "urllib3", "requests", "werkzeug", "granian.access")
"""They print addresses, bodies, or paths with tokens in them."""

_CHATTY: Final = ("alembic", "rq", "asyncio")
"""What they say below a warning tells operators nothing."""

ACCESS: Final = "notify.access"
"""The logger of the access log, which tells of nothing but `_TOLD`: routes, numbers, words of our own."""
_TOLD: Final = ("method", "route", "status", "ms")

_OURS: Final = ("_id", "_ids", "timestamp", "level", "logger", "role")
"""Ends of keys whose values are never personal, whatever their digits look like."""

_EMAIL: Final = re.compile(r"[^\s@<>\"'(),;:=/\[\]]+@[^\s@<>\"'(),;:=]+\.[^\s@<>\"'(),;:=.]{2,}")
_DATE: Final = r"\d{4}-\d\d-\d\d"
_PHONE: Final = re.compile(rf"(?<![\w./-])(?!{_DATE})(?:\+|00)?\(?\d(?:[\s.()/-]{{0,2}}\d){{7,14}}(?![\w-])")
_PATH_TOKEN: Final = re.compile(r"(/(?:u|undo|preferences|confirm)/)[\w~.-]+")
_CREDENTIAL: Final = re.compile(r"(?i)(\b(?:bearer|basic)\s+)[\w~+/.=-]+")
_URL_PASSWORD: Final = re.compile(r"(\w://[^\s/:@]*:)[^\s/@]+(?=@)")


def configure_logs(role: str, *, stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Send the records of all loggers of this process to `stream` (stderr); harmless to repeat.

    `role` is what the process does, as `web` or `worker urgent`; it stands in every line.
    """
    target = sys.stderr if stream is None else stream
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
    ]
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        _Lines(
            role,
            plain=not target.isatty(),
            foreign_pre_chain=[*before, _Role(role)],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_last(target)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _SILENCED:
        quiet = logging.getLogger(name)
        quiet.setLevel(logging.CRITICAL + 1)
        quiet.propagate = False
    structlog.configure(
        processors=[*before, _Role(role), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _last(target: TextIO) -> list[Processor]:
    """Return the last steps: exceptions to text, then no personal data, then the line itself."""
    renderer: Processor
    if target.isatty():
        renderer = structlog.dev.ConsoleRenderer()
    else:
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    return [
        structlog.processors.format_exc_info,
        without_personal_data,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        renderer,
    ]


class _Lines(structlog.stdlib.ProcessorFormatter):
    """Writes records as lines; those of requests by a short way, since each request has one."""

    def __init__(self, role: str, *, plain: bool, **more: Any) -> None:  # noqa: ANN401 - the formatter's own
        super().__init__(**more)
        self._role = role
        self._plain = plain

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        if not self._plain or record.name != ACCESS:
            return super().format(record)
        at = datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")
        event = {
            **{name: getattr(record, name, None) for name in _TOLD},
            "event": record.msg,
            **structlog.contextvars.get_contextvars(),
            "logger": record.name,
            "level": record.levelname.lower(),
            "role": self._role,
            "timestamp": at,
        }
        return json.dumps(event, ensure_ascii=False)


class _Role:
    """Adds what the process does."""

    def __init__(self, role: str) -> None:
        self._role = role

    def __call__(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
        event["role"] = self._role
        return event


def without_personal_data(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Strike out what looks like an address, a phone number, a token or a password.

    The second line of defence: nothing of the kind should be logged in the first place.
    """
    for key, value in event.items():
        if not key.endswith(_OURS):
            event[key] = _scrubbed(value)
    return event


def _scrubbed(value: object) -> object:
    """Return `value` with all text in it struck through."""
    match value:
        case str():
            return scrub(value)
        case None | bool() | float():
            return value
        case int():
            return value if scrub(str(value)) == str(value) else "[phone?]"
        case dict():
            return {_scrubbed(key): _scrubbed(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_scrubbed(item) for item in value]
        case _:
            return scrub(str(value))


def scrub(text: str) -> str:
    """Return `text` without e-mail addresses, phone numbers, link tokens, credentials and URL passwords."""
    text = _URL_PASSWORD.sub(r"\1[password]", text)
    text = _EMAIL.sub("[email]", text)
    text = _PATH_TOKEN.sub(r"\1[token]", text)
    text = _CREDENTIAL.sub(r"\1[credential]", text)
    return _PHONE.sub("[phone]", text)
