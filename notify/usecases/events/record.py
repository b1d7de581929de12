"""Read the posts of providers' webhooks, many in one transaction; a bad one holds up no other."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from notify.domain.catalogue import Catalogue
from notify.domain.errors import UnavailableError
from notify.domain.events import ProviderEvent
from notify.domain.soft_bounces import SoftBounceRule
from notify.domain.webhook_posts import KeptPost
from notify.ports import Clock, EventSource, Telemetry, WakeUps
from notify.store import Store, Transaction
from notify.usecases.events.applying import Applied, apply_events, message_numbers, tell
from notify.usecases.sms.provider_stops import ProviderStops

_log: Final = logging.getLogger(__name__)

POSTS_AT_ONCE: Final[Mapping[str, int]] = {"sendgrid": 4, "twilio": 400}
"""SendGrid puts up to 768 KB of events in a post, Twilio one."""

PAUSES: Final = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
)
"""Before a post that could not be read is tried again."""

ASIDE: Final = timedelta(days=1)
"""Afterwards it is kept aside and tried once a day: it may be read after an upgrade."""

EARLY: Final = timedelta(minutes=2)
"""For so long an event may be about a message whose call has not been written down yet."""

_EARLY_PAUSE: Final = timedelta(seconds=2)

_NAMES_ONE: Final = frozenset({"twilio"})
"""Whose id names one message, so that it may come to be known. SendGrid's names a call: without our own id
its event is about the mail of another system on the same account, and will never be about ours."""


class RecordEvents:
    """Reads what `ReceiveEvents` kept. Any number may run at once: they take different posts."""

    def __init__(
        self,
        *,
        store: Store,
        sources: Mapping[str, EventSource],
        catalogue: Catalogue,
        wake_ups: WakeUps,
        telemetry: Telemetry,
        clock: Clock,
        stops: ProviderStops,
        soft_bounces: SoftBounceRule | None = None,
    ) -> None:
        self._store = store
        self._sources = sources
        self._catalogue = catalogue
        self._wake_ups = wake_ups
        self._telemetry = telemetry
        self._clock = clock
        self._stops = stops
        self._soft_bounces = soft_bounces or SoftBounceRule()

    def __call__(self) -> int:
        """Read what is due, some posts of each provider; return how many were looked at. UnavailableError."""
        with self._store.read() as tx:
            if not tx.events.waiting(self._clock()):
                return 0
        return sum(self._read_some(provider) for provider in self._sources)

    def _read_some(self, provider: str) -> int:
        most = POSTS_AT_ONCE.get(provider, 1)
        try:
            return self._read(provider, most)
        except UnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 - one post is to blame; the others must not wait for it
            _log.warning(
                "events are read post by post",
                extra={"provider": provider, "error": type(error).__name__},
            )
        return sum(self._read_one(provider) for _ in range(most))

    def _read(self, provider: str, most: int) -> int:
        """Read posts in one transaction."""
        now = self._clock()
        with self._store.write() as tx:
            posts = tx.events.take_posts(provider, most, now)
            events, done = self._events(tx, provider, posts, now)
            applied = self._apply(tx, events, now)
            if done:
                tx.events.drop_posts(done)
        tell(applied, self._catalogue, self._telemetry, self._wake_ups)
        return len(posts)

    def _read_one(self, provider: str) -> int:
        """Read one post by itself; put it off if that fails."""
        now = self._clock()
        taken: KeptPost | None = None
        try:
            with self._store.write() as tx:
                taken = next(iter(tx.events.take_posts(provider, 1, now)), None)
                if taken is None:
                    return 0
                events, done = self._events(tx, provider, [taken], now)
                applied = self._apply(tx, events, now)
                if done:
                    tx.events.drop_posts(done)
        except UnavailableError:
            raise
        except Exception as error:
            if taken is None:
                raise
            with self._store.write() as tx:
                self._put_off(tx, provider, taken, now, type(error).__name__)
        else:
            tell(applied, self._catalogue, self._telemetry, self._wake_ups)
        return 1

    def _apply(self, tx: Transaction, events: Sequence[ProviderEvent], now: datetime) -> Applied:
        if not events:
            return Applied()
        return apply_events(tx, self._catalogue, events, now, rule=self._soft_bounces, stops=self._stops)

    def _events(
        self, tx: Transaction, provider: str, posts: Sequence[KeptPost], now: datetime
    ) -> tuple[list[ProviderEvent], list[int]]:
        """Parse posts; return their events, and the posts that are done with then."""
        events: list[ProviderEvent] = []
        done: list[int] = []
        for post in posts:
            try:
                found = self._parsed(provider, post)
            except Exception as error:  # noqa: BLE001 - see above
                self._put_off(tx, provider, post, now, type(error).__name__)
                continue
            if now - post.received_at < EARLY and _too_early(tx, found):
                tx.events.put_off(post.number, now + _EARLY_PAUSE, tries=post.tries)
                continue
            events += found
            done.append(post.number)
        return events, done

    def _parsed(self, provider: str, post: KeptPost) -> Sequence[ProviderEvent]:
        if post.text is None:
            raise ValueError("it cannot be decrypted")
        return self._sources[provider].events_in(post.text, post.received_at)

    def _put_off(self, tx: Transaction, provider: str, post: KeptPost, now: datetime, error: str) -> None:
        """Try a post again later: soon at first, then once a day."""
        pause = PAUSES[post.tries] if post.tries < len(PAUSES) else ASIDE
        tx.events.put_off(post.number, now + pause, tries=min(post.tries + 1, len(PAUSES)))
        _log.error(
            "a provider's post cannot be read",
            extra={"provider": provider, "post": post.number, "tries": post.tries + 1, "error": error},
        )


def _too_early(tx: Transaction, events: Sequence[ProviderEvent]) -> bool:
    """Whether one is about a message that only the provider's id can name, and that id is not known yet."""
    by_theirs = [
        one
        for one in events
        if one.provider in _NAMES_ONE and one.message_ref is None and one.provider_message_id
    ]
    return len(message_numbers(tx, by_theirs)) < len({(one.provider, one.event_id) for one in by_theirs})
