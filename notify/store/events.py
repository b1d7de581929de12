"""What the use cases need of the database for providers' events and for unknown calls, as Protocols."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from notify.domain.doubts import Doubt
from notify.domain.event_moves import Move, Reported
from notify.domain.events import ProviderEvent
from notify.domain.status import Status
from notify.domain.webhook_posts import KeptPost


class Events(Protocol):
    """Posts of providers until they are read, each event once, and the messages they are about."""

    def keep_post(self, provider: str, body: str, now: datetime) -> None:
        """Keep a whole post, encrypted."""
        ...

    def waiting(self, now: datetime) -> bool:
        """Whether a post is due."""
        ...

    def take_posts(self, provider: str, limit: int, now: datetime) -> list[KeptPost]:
        """Lock the oldest posts that are due and that nobody else is reading."""
        ...

    def drop_posts(self, numbers: Collection[int]) -> None:
        """Delete posts that were read."""
        ...

    def put_off(self, number: int, due_at: datetime, *, tries: int) -> None:
        """Let a post wait until `due_at`."""
        ...

    def drop_posts_before(self, at: datetime) -> int:
        """Delete posts received before `at`; return how many."""
        ...

    def add(self, events: Sequence[tuple[int | None, ProviderEvent]], now: datetime) -> set[tuple[str, str]]:
        """Store events, each with its message; return provider and id of those that are new."""
        ...

    def forget_messages(self, numbers: Collection[int]) -> None:
        """Let stored events name none of these messages, which are gone."""
        ...

    def numbers_of(self, theirs: Collection[str]) -> dict[str, int]:
        """Return the messages that the provider knows by these ids of its own."""
        ...

    def reported(self, numbers: Collection[int], now: datetime, *, lock: bool = False) -> dict[int, Reported]:
        """Return messages as they stand; `lock` keeps others from changing them until commit."""
        ...

    def move(self, moves: Sequence[Move], now: datetime) -> None:
        """Write the new statuses of locked messages."""
        ...


class Doubts(Protocol):
    """Calls of which nobody knows what came of them, for as long as something can be done about it."""

    def take(self, before: datetime, limit: int, now: datetime) -> list[Doubt]:
        """Lock dispatches that are unknown since `before` or longer, and whose next look is due."""
        ...

    def look_again(self, dispatch_id: int, at: datetime | None) -> None:
        """Say when a dispatch is looked at next; None: never, it stays unknown unless an event tells."""
        ...

    def send_again(self, dispatch_id: int, now: datetime) -> bool:
        """Queue a dispatch that is still unknown; late news of the first call count no more."""
        ...

    def close(self, doubt: Doubt, status: Status, detail: str, now: datetime) -> None:
        """End a message that is not to be sent again, as its notification was closed."""
        ...
