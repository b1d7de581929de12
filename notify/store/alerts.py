"""Alerts, and what is asked of the database to raise them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from notify.domain.alerts import LinkOptOut, OpenAlert


class Alerts(Protocol):
    """One open alert a kind, counted; each is logged once, when it opens."""

    def raise_alert(self, kind: str, details: Mapping[str, Any], now: datetime) -> None:
        """Open an alert, or count it once more; `details` are of the last time, and hold ids only."""
        ...

    def open_ones(self) -> list[OpenAlert]:
        """Return the open ones, oldest first."""
        ...

    def clear(self, kind: str, now: datetime) -> bool:
        """Close an alert; return whether it was open."""
        ...

    def clear_quiet(self, before: datetime, now: datetime) -> int:
        """Close those that were last raised before `before`; return how many."""
        ...

    def link_opt_outs(self, first: int, last: int, since: datetime) -> list[LinkOptOut]:
        """Return the opt-outs by link among these numbers of the ledger, made after `since`."""
        ...
