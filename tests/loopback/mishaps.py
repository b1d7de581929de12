"""Faults at random, by a line such as `429:0.02,lost:0.01,slow:0.01`; the same ones for the same seed."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.loopback.server import Fault

_BODIES: Final[Mapping[str, Any]] = {
    "sendgrid": {"errors": [{"message": "scripted", "field": None, "help": None}]},
    "twilio": {"code": 20500, "message": "scripted", "more_info": "", "status": 500},
}
_NEVER_TAKEN: Final = frozenset({400, 401, 403, 404, 413, 429, 500, 503})
WORDS: Final = "a status, reset, dropped, lost, cut or slow"


@dataclass(frozen=True, slots=True)
class Mishap:
    """One call that goes wrong, and whether the provider delivers its messages nevertheless."""

    fault: Fault
    taken: bool


class Mishaps:
    """Throws the dice for each call.

    A number is answered with that status and the provider's own error body; behind a 502 or 504 the messages
    were taken as often as not. `reset`: before the request is read. `dropped`: read, not taken, reset.
    `lost`: taken, reset instead of an answer. `cut`: taken, half an answer. `slow`: taken, answered late.
    """

    def __init__(self, spec: str, provider: str, seed: int = 0, slow_seconds: float = 20.0) -> None:
        """ValueError for a word that is none of these."""
        self._dice = random.Random(f"{seed} {provider}")  # noqa: S311 - no secret
        self._body = _BODIES[provider]
        self._slow = slow_seconds
        self._chances: list[tuple[str, float]] = []
        for part in filter(None, spec.split(",")):
            word, _, chance = part.strip().partition(":")
            self._make(word)
            self._chances.append((word, float(chance or 1)))

    def __call__(self) -> Mishap | None:
        """Return what happens to the next call; None for most."""
        if not self._chances:
            return None
        at = self._dice.random()
        for word, chance in self._chances:
            if at < chance:
                return self._make(word)
            at -= chance
        return None

    def _make(self, word: str) -> Mishap:
        if word.isdigit():
            status = int(word)
            headers = {"Content-Type": "application/json", **({"Retry-After": "1"} if status == 429 else {})}
            taken = status not in _NEVER_TAKEN and self._dice.random() < 0.5
            return Mishap(Fault(status, self._body, headers), taken)
        made = {
            "reset": Mishap(Fault(reset="before"), taken=False),
            "dropped": Mishap(Fault(reset="after"), taken=False),
            "lost": Mishap(Fault(reset="after"), taken=True),
            "cut": Mishap(Fault(cut=True), taken=True),
            "slow": Mishap(Fault(delay=self._slow), taken=True),
        }.get(word)
        if made is None:
            raise ValueError(f"a fault is {WORDS}, not {word!r}")
        return made
