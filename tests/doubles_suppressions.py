"""Suppressions as the API sees them, in memory."""

from notify.domain.catalogue import Channel
from notify.domain.consent import Scope
from notify.domain.errors import NotFoundError
from notify.domain.suppressions import ShopReason
from notify.domain.views import Page, SuppressionView
from notify.usecases.suppressions import SuppressionDesk

KNOWN: SuppressionView = {
    "id": "s1",
    "channel": "email",
    "address": "a•••@example.com",
    "scope": "all",
    "reason": "manual",
    "created_at": "2026-11-23T10:00:00Z",
    "until": None,
}


class _Lookups:
    """Knows suppression `s1`."""

    def suppression(self, number: int) -> SuppressionView:
        return KNOWN | {"id": f"s{number}"}

    def suppressions(
        self,
        *,
        channel: str | None = None,
        reason: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page:
        return {"items": [KNOWN], "next_cursor": None}

    def of_address(self, channel: Channel, address_hash: bytes) -> list[SuppressionView]:
        return [KNOWN]


class FakeSuppressions(SuppressionDesk):
    """Bars whatever it is given, as `s1`."""

    def __init__(self) -> None:
        self.lookups = _Lookups()

    def bar(
        self,
        address: str,
        channel: Channel,
        reason: ShopReason,
        scope: Scope | None,
    ) -> tuple[SuppressionView, bool]:
        return KNOWN, True

    def lift(self, suppression_id: str) -> None:
        if suppression_id != "s1":
            raise NotFoundError

    def search(self, channel: Channel, address: str) -> list[SuppressionView]:
        return [KNOWN]
