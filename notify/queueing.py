"""The bell of the lanes: wake-ups as RQ jobs, named by a dotted path and serialized as JSON."""

import logging
import threading
import time
from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel
from rq import Queue
from rq.serializers import JSONSerializer

from notify.domain.errors import ConfigurationError
from notify.domain.requests import Lane

_log: Final = logging.getLogger(__name__)

JOB: Final = "workers.jobs.deliver"
_TIMEOUT_SECONDS: Final = 0.5
_FORMS: Final = (
    "redis://…, rediss://… (TLS), unix:///path, or redis+sentinel:// or rediss+sentinel:// with"
    " [user:password@]host1:26379,host2:26379/name[/db]; percent-encode special characters in passwords"
)
_SENTINEL_SCHEMES: Final = frozenset({"redis+sentinel", "rediss+sentinel"})
_SENTINEL_PORT: Final = 26379
_SENTINEL_QUERY: Final = {"sentinel_username": "username", "sentinel_password": "password"}
_ENOUGH_WAITING: Final = 4
_SILENT_AFTER_FAILURE_SECONDS: Final = 1.0
_JOB_TIMEOUT_SECONDS: Final = 60
_RESULT_KEPT_SECONDS: Final = 60
_FAILURE_KEPT_SECONDS: Final = 86_400


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


class RqWakeUps:
    """Rings a lane by enqueueing a job.

    A job that starts wakes threads, which find in the database what was committed before. So while enough
    jobs wait that have not started yet, another adds nothing. The last of them names no dispatch and wakes
    every thread: it stands for those that are not rung.

    With a `pause`, the bell of a lane is rung at once, then at most every so often, in a thread of its own:
    the last ring always comes after whatever was committed before it was asked for.
    """

    def __init__(self, connection: Redis, pause: float = 0.0) -> None:
        """Ring through `connection`, which should have short time-outs: callers of the API wait for it.

        `pause` in seconds: how long after one ring of a lane the next may come; 0 rings each time.
        """
        self._pause = pause
        self._pausing = threading.Condition()
        self._rung_at: dict[Lane, float] = {}
        self._to_ring_at: dict[Lane, float] = {}
        self._ringer: threading.Thread | None = None
        self._queues = {
            lane: Queue(lane.value, connection=connection, serializer=JSONSerializer) for lane in Lane
        }
        self._probe = threading.Lock()
        self._away = False
        self._silent_until = 0.0

    def ring(self, lane: Lane, dispatch_ids: Sequence[int]) -> bool:
        """Wake a worker of the lane, or have it woken when the pause is over.

        While Redis is away one thread at a time tries it, a second after the last try failed; the others
        return at once. Workers then look by themselves, and `reconcile` rings for what waits.
        """
        if self._pause and self._waits(lane):
            return not self._away
        return self._ring(lane, dispatch_ids)

    def _waits(self, lane: Lane) -> bool:
        """Whether the lane's bell pauses; then it is rung once more as soon as the pause is over."""
        with self._pausing:
            now = time.monotonic()
            over_at = self._rung_at.get(lane, 0.0) + self._pause
            if over_at <= now and lane not in self._to_ring_at:
                self._rung_at[lane] = now
                return False
            if lane not in self._to_ring_at:
                self._to_ring_at[lane] = over_at
                self._pausing.notify()
            if self._ringer is None:  # not before it is needed: a fork would not take it along
                self._ringer = threading.Thread(target=self._ring_after_pauses, name="bell", daemon=True)
                self._ringer.start()
            return True

    def _ring_after_pauses(self) -> None:
        """Ring for all that asked during a pause: by no dispatch's name, which wakes every thread."""
        while True:
            with self._pausing:
                now = time.monotonic()
                due = [lane for lane, at in self._to_ring_at.items() if at <= now]
                for lane in due:
                    del self._to_ring_at[lane]
                    self._rung_at[lane] = now
                if not due:
                    next_at = min(self._to_ring_at.values(), default=None)
                    self._pausing.wait(None if next_at is None else next_at - now)
            for lane in due:
                self._ring(lane, [])

    def _ring(self, lane: Lane, dispatch_ids: Sequence[int]) -> bool:
        if not self._away:
            return self._try(lane, dispatch_ids)
        if not self._probe.acquire(blocking=False):
            return False
        try:
            return time.monotonic() >= self._silent_until and self._try(lane, dispatch_ids)
        finally:
            self._probe.release()

    def _try(self, lane: Lane, dispatch_ids: Sequence[int]) -> bool:
        try:
            self._enqueue(lane, dispatch_ids)
        except Exception as error:  # noqa: BLE001 - a ring never raises: what it rings for is stored by now
            # Not only what Redis raises: its client trips over a connection that another thread closes.
            _log.warning("Redis is out of reach", extra={"lane": lane, "error": type(error).__name__})
            self._silent_until = time.monotonic() + _SILENT_AFTER_FAILURE_SECONDS
            self._away = True
            return False
        self._away = False
        return True

    def _enqueue(self, lane: Lane, dispatch_ids: Sequence[int]) -> None:
        queue = self._queues[lane]
        waiting = queue.count
        if waiting >= _ENOUGH_WAITING:
            return
        last = waiting == _ENOUGH_WAITING - 1
        queue.enqueue(
            JOB,
            lane.value,
            [] if last else list(dispatch_ids),
            job_timeout=_JOB_TIMEOUT_SECONDS,
            result_ttl=_RESULT_KEPT_SECONDS,
            failure_ttl=_FAILURE_KEPT_SECONDS,
        )
