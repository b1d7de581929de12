"""What is to be told to the shop, as the use cases hand it in."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from notify.domain.outbound import OutboundEvent
from notify.domain.status import Status


class Outbound(Protocol):
    """Takes events for the shop's webhook endpoints, in the transaction in which they happen.

    Where no endpoint wants them, that costs nothing: who wants what is remembered for a moment.
    """

    def wanted(self, types: Collection[str]) -> set[str]:
        """Return those of these types that some endpoint wants."""
        ...

    def add(self, events: Sequence[OutboundEvent], now: datetime) -> int:
        """Keep events for each endpoint that wants them; return how many deliveries that makes."""
        ...

    def moved(self, statuses: Mapping[int, Status], now: datetime) -> int:
        """Tell that messages reached statuses, by message, once that is written.

        What did not take place, since the message had moved on before, is not told.
        """
        ...

    def dispatches_moved(self, dispatch_ids: Collection[int], status: Status, now: datetime) -> int:
        """Tell it of all messages that share the fate of these dispatches."""
        ...

    def ended_in(self, campaign_id: int, recipients: Collection[int], now: datetime) -> int:
        """Tell of the messages of a campaign to these recipients that ended before they could go."""
        ...

    def cancelled_in(self, campaign_id: int) -> list[tuple[int, int]]:
        """Return the cancelled dispatches of a campaign, each with how many messages it has."""
        ...

    def forget(self, recipient: str) -> int:
        """Delete what was told of somebody, and is to be, by the shop's own id; return how many events."""
        ...

    def external_ids(self, recipients: Collection[int]) -> dict[int, str]:
        """Return the shop's own ids of recipients; of those who are gone, none."""
        ...
