"""Doubles of the ports: small, real implementations that a test can script and read."""

from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from notify.domain.catalogue import Channel
from notify.domain.outcome import Accepted, Outcome
from notify.domain.outgoing import OutgoingEmail, OutgoingSms
from notify.domain.requests import Lane

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

    def __init__(self, *outcomes: Outcome, name: str = "fake") -> None:
        self.name = name
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

    def accepted(self, topic: str, channel: Channel) -> None:
        self.accepted_messages.append((topic, channel))

    def settled(self, topic: str, channel: Channel, provider: str, status: str, reason: str) -> None:
        self.settled_messages.append((topic, channel, provider, status, reason))

    def provider_call(self, provider: str, outcome: str, seconds: float) -> None:
        self.provider_calls.append((provider, outcome, seconds))


class FakeOutboxStore:
    """Keeps messages in a list; `error` is what `keep` raises instead."""

    def __init__(self, error: Exception | None = None) -> None:
        self.kept: list[OutgoingEmail | OutgoingSms] = []
        self.error = error

    def keep(self, messages: Sequence[OutgoingEmail | OutgoingSms]) -> None:
        if self.error:
            raise self.error
        self.kept.extend(messages)
