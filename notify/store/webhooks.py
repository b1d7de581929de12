"""The shop's webhook endpoints and the deliveries to them, as the use cases need them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from notify.domain.outbound import OutboundEvent
from notify.domain.webhook_calls import Called, Target, Waiting


@dataclass(frozen=True, slots=True)
class EndpointDraft:
    """An endpoint about to be stored."""

    url: str
    secret: str
    events: Sequence[str]
    description: str | None


@dataclass(frozen=True, slots=True)
class Replay:
    """Which events are told again: those of `since` until before `until`, None for now.

    `types` None means all that the endpoint listens to; `failed_only` those that were given up.
    """

    since: datetime
    until: datetime | None = None
    types: Sequence[str] | None = None
    failed_only: bool = False


class WebhookEndpoints(Protocol):
    """Who is told."""

    def count(self) -> int:
        """Return how many there are, disabled ones included."""
        ...

    def add(self, draft: EndpointDraft, now: datetime) -> int:
        """Store an endpoint; return its number."""
        ...

    def remove(self, number: int) -> bool:
        """Delete an endpoint with all that waits for it; say whether there was one."""
        ...

    def rotate(self, number: int, secret: str, until: datetime) -> bool:
        """Give it another secret; the one before signs along until `until`. Say whether there is one."""
        ...

    def enable(self, number: int) -> bool:
        """Tell it things again. Say whether there is one."""
        ...

    def disable(self, number: int, because: str, now: datetime) -> bool:
        """Tell it nothing more; False if it was disabled before."""
        ...

    def targets(self, numbers: Collection[int], now: datetime) -> dict[int, Target]:
        """Return how endpoints are called; of those that cannot be decrypted, none."""
        ...

    def hold(self, numbers: Collection[int]) -> set[int]:
        """Lock endpoints, before deliveries to them are written to; return those that are disabled."""
        ...

    def note(self, number: int, *, succeeded: bool, now: datetime) -> datetime | None:
        """Note how calls went; return since when they all fail, None if they do not."""
        ...


class WebhookDeliveries(Protocol):
    """What is on its way to them."""

    def due(self, now: datetime) -> list[int]:
        """Return the endpoints for which something is due."""
        ...

    def claim(
        self, most: Mapping[int, int], claim: str, now: datetime, lease_until: datetime
    ) -> dict[int, list[Waiting]]:
        """Claim the oldest that are due of each endpoint, at most so many, that nobody else has."""
        ...

    def hold(self, delivery_ids: Collection[int]) -> None:
        """Lock deliveries, in the order that everybody keeps, before they are written to."""
        ...

    def record(self, claim: str, called: Sequence[Called], now: datetime) -> None:
        """Write down what came of calls, as far as they are still ours."""
        ...

    def give_back(self, claim: str, delivery_ids: Collection[int], now: datetime) -> None:
        """Let deliveries that were claimed and not called wait again."""
        ...

    def give_up_disabled(self, now: datetime) -> int:
        """Give up what waits for disabled endpoints, whoever let it wait; return how many."""
        ...

    def send_one(self, endpoint: int, event: OutboundEvent, now: datetime) -> int:
        """Keep an event for one endpoint alone; return its delivery."""
        ...

    def replay(self, endpoint: int, events: Collection[str], which: Replay, now: datetime) -> int:
        """Let deliveries to an endpoint wait again, and make those that were never made; return how many.

        `events` is what it listens to.
        """
        ...

    def replay_one(self, delivery_id: int, now: datetime) -> bool:
        """Let a delivery wait again, and be due; False while it is being made."""
        ...

    def drop_before(self, at: datetime) -> int:
        """Delete deliveries that were done or given up before `at`, and what is left of their events."""
        ...
