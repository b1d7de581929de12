"""What a worker's threads are handed at once: calls to make, and when there may be more."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

W_co = TypeVar("W_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Prepared(Generic[W_co]):
    """What was claimed: `works` are to be called now, `idle` are through already and only to be recorded.

    `pause`: in how many seconds there may be more, if something had to wait.
    """

    claimed: int
    works: Sequence[W_co] = ()
    idle: Sequence[W_co] = ()
    pause: float | None = None
