"""What is to be done at a provider later, as the use cases need it."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Protocol

from notify.domain.errands import Errand


class Errands(Protocol):
    """Errands to providers, kept until they are done. Payloads are encrypted."""

    def add(self, kind: str, payload: Mapping[str, Any], now: datetime) -> None:
        """Keep an errand along with what makes it necessary; `payload` is JSON."""
        ...

    def take(self, kinds: Collection[str], now: datetime, until: datetime, most: int) -> list[Errand]:
        """Take those that are due, for nobody else before `until`; oldest first."""
        ...

    def finish(self, number: int) -> None:
        """Delete one that is done."""
        ...

    def put_off(self, number: int, due_at: datetime) -> None:
        """Let one wait until `due_at`."""
        ...
