"""Doubles of the ports: small, real implementations that a test can script and read."""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from notify.domain.catalogue import Channel
from notify.domain.delivery import PlannedCall
from notify.domain.outcome import Accepted, Outcome
from notify.domain.outgoing import OutgoingEmail, OutgoingSms
from notify.domain.requests import Lane
from notify.ports import Provider

M = TypeVar("M", OutgoingEmail, OutgoingSms)


class FixedClock:
    """A clock that stands until it is moved."""

    def __init__(self, at: datetime = datetime(2026, 11, 23, 12, tzinfo=UTC)) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def advance(self, by: timedelta) -> None:
        self.at += by


class FakeProvider(Generic[M]):
    """Gives the scripted outcomes, one a message, and accepts what comes after; `batches` are what it got."""

    def __init__(self, *outcomes: Outcome, name: str = "fake", most: int = 1_000) -> None:
        self.name = name
        self.most = most
        self.batches: list[list[M]] = []
        self._outcomes = deque(outcomes)

    @property
    def messages(self) -> list[M]:
        return [message for batch in self.batches for message in batch]

    def script(self, *outcomes: Outcome) -> None:
        self._outcomes.extend(outcomes)

    def send(self, batch: Sequence[M]) -> Sequence[Outcome]:
        self.batches.append(list(batch))
        return [
            self._outcomes.popleft() if self._outcomes else Accepted(f"fake-{message.message_ref}")
            for message in batch
        ]


class FakeThrottle:
    """Admits everything, but what `waits` names by provider; `held` are the holds that were asked for."""

    def __init__(self) -> None:
        self.waits: dict[str, float] = {}
        self.flying: list[PlannedCall] = []
        self.held: list[tuple[str, str, float]] = []

    def admit(self, calls: Sequence[PlannedCall]) -> list[float]:
        waits = [self.waits.get(call.provider, 0.0) for call in calls]
        self.flying += [call for call, wait in zip(calls, waits, strict=True) if not wait]
        return waits

    def finished(self, calls: Sequence[PlannedCall]) -> None:
        for call in calls:
            self.flying.remove(call)

    def hold(self, provider: str, sender: str, seconds: float) -> None:
        self.held.append((provider, sender, seconds))


class FakeProviders:
    """Whoever `chosen` names for a channel and a test key; `reports` are what they were told."""

    def __init__(self, chosen: Callable[[Channel, bool], Provider[Any]]) -> None:
        self._chosen = chosen
        self.reports: list[tuple[str, list[Outcome]]] = []

    def choose(self, channel: Channel, *, test: bool, messages: int) -> Provider[Any]:
        return self._chosen(channel, test)

    def report(self, provider: Provider[Any], outcomes: Sequence[Outcome], seconds: float) -> None:
        self.reports.append((provider.name, list(outcomes)))


class FakeWakeUps:
    """Records the bells that were rung; `reachable` False is a queue that is away."""

    def __init__(self) -> None:
        self.rung: list[tuple[Lane, list[int]]] = []
        self.reachable = True

    def ring(self, lane: Lane, dispatch_ids: Sequence[int]) -> bool:
        if self.reachable:
            self.rung.append((lane, list(dispatch_ids)))
        return self.reachable


class FakeTelemetry:
    """Records what was counted."""

    def __init__(self) -> None:
        self.accepted_messages: list[tuple[str, Channel]] = []
        self.settled_messages: list[tuple[str, Channel, str, str, str]] = []
        self.provider_calls: list[tuple[str, str, float]] = []
        self.webhook_posts: list[tuple[str, str]] = []
        self.provider_events: Counter[tuple[str, str, str]] = Counter()

    def accepted(self, topic: str, channel: Channel) -> None:
        self.accepted_messages.append((topic, channel))

    def settled(
        self, topic: str, channel: Channel, provider: str, status: str, reason: str, *, count: int = 1
    ) -> None:
        self.settled_messages += [(topic, channel, provider, status, reason)] * count

    def provider_call(self, provider: str, outcome: str, seconds: float) -> None:
        self.provider_calls.append((provider, outcome, seconds))

    def webhook(self, provider: str, outcome: str) -> None:
        self.webhook_posts.append((provider, outcome))

    def events(self, provider: str, kind: str, outcome: str, *, count: int) -> None:
        self.provider_events[provider, kind, outcome] += count


class FakeOutboxStore:
    """Keeps messages in a list; `error` is what `keep` raises instead."""

    def __init__(self, error: Exception | None = None) -> None:
        self.kept: list[OutgoingEmail | OutgoingSms] = []
        self.error = error

    def keep(self, messages: Sequence[OutgoingEmail | OutgoingSms]) -> None:
        if self.error:
            raise self.error
        self.kept.extend(messages)
