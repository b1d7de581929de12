"""The way to Redis: how it is found, and who tries it again while it is away."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from notify.domain.errors import ConfigurationError

_log: Final = logging.getLogger(__name__)

_TIMEOUT_SECONDS: Final = 0.5
_SILENT_AFTER_FAILURE_SECONDS: Final = 1.0
_FORMS: Final = (
    "redis://…, rediss://… (TLS), unix:///path, or redis+sentinel:// or rediss+sentinel:// with"
    " [user:password@]host1:26379,host2:26379/name[/db]; percent-encode special characters in passwords"
)
_SENTINEL_SCHEMES: Final = frozenset({"redis+sentinel", "rediss+sentinel"})
_SENTINEL_PORT: Final = 26379
_SENTINEL_QUERY: Final = {"sentinel_username": "username", "sentinel_password": "password"}

T = TypeVar("T")


class Reach:
    """Asks Redis, and goes without it while it is away. Safe for any number of threads.

    Away, it is tried by one thread at a time, a second after the last try failed; the others hear so at once.
    """

    def __init__(self, *, without: str, again: str, clock: Callable[[], float] = time.monotonic) -> None:
        """`without` and `again` tell the log what it means that Redis is away, and that it is back."""
        self._without = without
        self._again = again
        self._clock = clock
        self._probe = threading.Lock()
        self._silent_until = 0.0
        self.away = False

    def __call__(self, ask: Callable[[], T]) -> T | None:
        """Return what `ask` returns; None while Redis is away. Never raises."""
        if not self.away:
            return self._try(ask)
        if not self._probe.acquire(blocking=False):
            return None
        try:
            return self._try(ask) if self._clock() >= self._silent_until else None
        finally:
            self._probe.release()

    def _try(self, ask: Callable[[], T]) -> T | None:
        try:
            found = ask()
        except Exception as error:  # noqa: BLE001 - whoever asks can do without, and must go on
            # Not only what Redis raises: its client trips over a connection that another thread closes.
            self._silent_until = self._clock() + _SILENT_AFTER_FAILURE_SECONDS
            if not self.away:
                extra = {"error": type(error).__name__}
                _log.warning("Redis is out of reach: %s", self._without, extra=extra)
            self.away = True
            return None
        if self.away:
            _log.info("Redis is back: %s", self._again)
            self.away = False
        return found


class SentinelUrl(NamedTuple):
    """What a URL of Sentinels says: `login` is for Redis itself, `sentinel_login` for the Sentinels."""

    sentinels: list[tuple[str, int]]
    name: str
    db: int
    tls: bool
    login: dict[str, str]
    sentinel_login: dict[str, str]


def connect(redis_url: str) -> Redis:
    """Return a client with short time-outs that tries once; nothing is connected before its first call.

    `redis://`, `rediss://` and `unix://` as redis-py reads them, and Sentinel (see `read_sentinel_url`).
    ConfigurationError for anything else never repeats the URL: it may hold a password.
    """
    options: dict[str, Any] = {
        "socket_timeout": _TIMEOUT_SECONDS,
        "socket_connect_timeout": _TIMEOUT_SECONDS,
        "retry": Retry(NoBackoff(), 0),
    }
    try:
        if redis_url.partition("://")[0] not in _SENTINEL_SCHEMES:
            return Redis.from_url(redis_url, **options)
        url = read_sentinel_url(redis_url)
    except (ValueError, TypeError):
        raise ConfigurationError(f"REDIS_URL is not understood. Write it as {_FORMS}.") from None
    options["ssl"] = url.tls
    known = Sentinel(url.sentinels, sentinel_kwargs=options | url.sentinel_login, **options)  # type: ignore[no-untyped-call]
    found: Redis = known.master_for(url.name, db=url.db, **url.login)  # type: ignore[no-untyped-call]
    return found


def read_sentinel_url(text: str) -> SentinelUrl:
    """Read `redis+sentinel://[user:password@]host[:26379],host…/name[/db]`, or `rediss+sentinel://` for TLS.

    `name` is what the Sentinels call the group. User and password are those of Redis; what the Sentinels
    themselves ask for is given as `?sentinel_username=…&sentinel_password=…`. All are percent-decoded.
    ValueError.
    """
    parts = urlsplit(text)
    name, _, db = parts.path.removeprefix("/").partition("/")
    query = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    if (
        parts.scheme not in _SENTINEL_SCHEMES
        or not name
        or parts.fragment
        or query.keys() - _SENTINEL_QUERY.keys()
    ):
        raise ValueError("not a URL of Sentinels")
    login, _, hosts = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    given = {"username": unquote(user), "password": unquote(password)}
    return SentinelUrl(
        sentinels=[_host_and_port(host) for host in hosts.split(",")],
        name=unquote(name),
        db=int(db or 0),
        tls=parts.scheme == "rediss+sentinel",
        login={key: value for key, value in given.items() if value},
        sentinel_login={_SENTINEL_QUERY[key]: value for key, value in query.items()},
    )


def _host_and_port(text: str) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise ValueError("a Sentinel without a host")
    return parts.hostname, parts.port or _SENTINEL_PORT
