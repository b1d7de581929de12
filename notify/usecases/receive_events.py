"""Take a provider's post: only a signed one, and only once it is durable."""

from collections.abc import Mapping
from typing import Final

from notify.domain.webhook_posts import ForgedPostError, MalformedPostError, SignedPost
from notify.ports import Clock, EventSource, Telemetry
from notify.store import Store

ACCEPTED: Final = "accepted"
FORGED: Final = "forged"
MALFORMED: Final = "malformed"


class ReceiveEvents:
    """Keeps a whole post, encrypted, in one insert: it is read later, by a worker."""

    def __init__(
        self, store: Store, sources: Mapping[str, EventSource], telemetry: Telemetry, clock: Clock
    ) -> None:
        self._store = store
        self._sources = sources
        self._telemetry = telemetry
        self._clock = clock

    def __call__(self, provider: str, post: SignedPost) -> None:
        """Return when the post is durable. ForgedPostError, MalformedPostError, UnavailableError."""
        source = self._sources[provider]
        if not source.is_genuine(post):
            self._telemetry.webhook(provider, FORGED)
            raise ForgedPostError("no valid signature")
        try:
            text = source.text_of(post)
        except MalformedPostError:
            self._telemetry.webhook(provider, MALFORMED)
            raise
        with self._store.write() as tx:
            tx.events.keep_post(provider, text, self._clock())
        self._telemetry.webhook(provider, ACCEPTED)
