"""Take a provider's post: only a signed one, and only once it is durable."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from notify.domain.alerts import FORGED_POSTS
from notify.domain.webhook_posts import (
    ACCEPTED,
    FORGED,
    MALFORMED,
    ForgedPostError,
    MalformedPostError,
    SignedPost,
)
from notify.ports import Clock, EventSource, Telemetry
from notify.store import Store

FORGED_IN_A_ROW: Final = 20
"""In one process; a genuine post in between starts anew."""


class ReceiveEvents:
    """Keeps a whole post, encrypted, in one insert: it is read later, by a worker."""

    def __init__(
        self, store: Store, sources: Mapping[str, EventSource], telemetry: Telemetry, clock: Clock
    ) -> None:
        self._store = store
        self._sources = sources
        self._telemetry = telemetry
        self._clock = clock
        self._forged: Counter[str] = Counter()

    def __call__(self, provider: str, post: SignedPost) -> None:
        """Return when the post is durable. ForgedPostError, MalformedPostError, UnavailableError."""
        source = self._sources[provider]
        if not source.is_genuine(post):
            self._telemetry.webhook(provider, FORGED)
            self._note_forged(provider, post)
            raise ForgedPostError("no valid signature")
        self._forged[provider] = 0
        try:
            text = source.text_of(post)
        except MalformedPostError:
            self._telemetry.webhook(provider, MALFORMED)
            raise
        with self._store.write() as tx:
            tx.events.keep_post(provider, text, self._clock())
        self._telemetry.webhook(provider, ACCEPTED)

    def _note_forged(self, provider: str, post: SignedPost) -> None:
        """Raise an alert at every so many posts in a row whose signatures are not the provider's."""
        if not any(name.endswith("-signature") for name in post.headers):
            return  # somebody's try, not a provider's
        self._forged[provider] += 1
        if self._forged[provider] % FORGED_IN_A_ROW == 0:
            with self._store.write() as tx:
                details = {"provider": provider, "in_a_row": self._forged[provider]}
                tx.alerts.raise_alert(FORGED_POSTS, details, self._clock())
