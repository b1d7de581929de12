"""How many SMS may leave on a day."""

from datetime import date
from typing import Protocol


class SmsBudget(Protocol):
    """How many SMS may leave on a day (UTC)."""

    def spend(self, day: date, wanted: int, limit: int) -> int:
        """Take up to `wanted` of what is left of the day's `limit`; return how many were granted."""
        ...

    def forget_before(self, day: date) -> int:
        """Delete what was counted on days before; return how many days."""
        ...
