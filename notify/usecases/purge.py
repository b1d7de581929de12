"""Delete what has served, each kind after its time, and close alerts that nothing repeats."""

from datetime import timedelta
from typing import Final

from notify.ports import Clock
from notify.store import Store

KEYS_KEPT_FOR: Final = timedelta(days=8)
"""Callers are promised seven days."""

SMS_DAYS_KEPT_FOR: Final = timedelta(days=90)

POSTS_KEPT_FOR: Final = timedelta(days=30)
"""Posts of events that nothing here could read; they hold addresses."""

ALERTS_OPEN_FOR: Final = timedelta(days=1)
"""An alert closes by itself after a quiet day."""

SOFT_BOUNCES_KEPT_FOR: Final = timedelta(days=365)
"""SOFT_BOUNCE_DAYS can be no longer."""

TESTS_KEPT_FOR: Final = timedelta(days=30)
"""Where tests of campaigns went, and their copies in the outbox. An erasure may miss an address that somebody
had before, since nothing says whose it was; and after a month nobody looks at a test any more.
"""

WEBHOOKS_KEPT_FOR: Final = timedelta(days=30)
"""What the shop's endpoints were told, and could be told again."""


class Purge:
    """Deletes in the background; harmless to repeat."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def __call__(self) -> int:
        """Return how many rows went."""
        now = self._clock()
        with self._store.write() as tx:
            gone = tx.consents.drop_spent_undos(now)
            gone += tx.confirmations.drop_ended(now)
            gone += tx.notifications.drop_keys_before(now - KEYS_KEPT_FOR)
            gone += tx.sms_budget.forget_before(now.date() - SMS_DAYS_KEPT_FOR)
            gone += tx.events.drop_posts_before(now - POSTS_KEPT_FOR)
            tx.alerts.clear_quiet(now - ALERTS_OPEN_FOR, now)
            gone += tx.soft_bounces.drop_before(now - SOFT_BOUNCES_KEPT_FOR)
            gone += tx.campaigns.forget_tests_before(now - TESTS_KEPT_FOR)
            tx.webhook_deliveries.give_up_disabled(now)
            gone += tx.webhook_deliveries.drop_before(now - WEBHOOKS_KEPT_FOR)
            tx.deliveries.beat("purge", now)
        return gone
