"""Holds notifications whose messages did not arrive, so that each may be given its next channel."""

from collections.abc import Mapping

from notify.domain.event_moves import Routed
from notify.store import Transaction


def hold_routes(tx: Transaction, recipients: Mapping[int, int]) -> dict[int, Routed]:
    """Lock those that go on, and whom they are for (by notification); dispatches are locked after these.

    What was cancelled or superseded meanwhile goes on no more.
    """
    routes = tx.notifications.routes(recipients) if recipients else {}
    if not routes:
        return {}
    tx.recipients.keep_from_erasure({recipients[number] for number in routes})
    closed = tx.notifications.lock(routes)
    return {number: route for number, route in routes.items() if number in closed and not closed[number]}
