"""Settle calls that broke off: ask the provider, and when no word comes do what the policy says."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from notify.domain import ids
from notify.domain.catalogue import Catalogue, Channel, Purpose
from notify.domain.doubts import FIRST_LOOK, Doubt, Verdict, next_look, verdict
from notify.domain.errors import UnavailableError
from notify.domain.events import ProviderEvent
from notify.domain.sending import Senders
from notify.domain.token_claims import OptOutClaim
from notify.ports import Clock, SmsLookup, Telemetry, Tokens, WakeUps
from notify.store import Store
from notify.usecases.events.applying import Applied, apply_events, tell
from notify.usecases.sms.provider_stops import ProviderStops

_log: Final = logging.getLogger(__name__)

_AT_ONCE: Final = 20
"""How many are looked at in a round: each may be a call to a provider."""

_LONGEST_CALL: Final = timedelta(minutes=2)
"""How long before it was given up a call may have begun."""

_CLOSED: Final = "it was closed meanwhile and not sent again; its one call may have gone through"


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a round came to: calls looked at, messages settled, dispatches queued again."""

    looked_at: int
    settled: int
    queued: int


class SettleUnknown:
    """Looks for word of calls that broke off. Any number may run at once; cheap when there are none."""

    def __init__(
        self,
        *,
        store: Store,
        lookups: Mapping[str, SmsLookup],
        tokens: Tokens,
        senders: Senders,
        catalogue: Catalogue,
        wake_ups: WakeUps,
        telemetry: Telemetry,
        clock: Clock,
        stops: ProviderStops,
        resend_orders: bool,
    ) -> None:
        """`lookups` by provider; `resend_orders`: send order updates again when no word has come."""
        self._store = store
        self._lookups = lookups
        self._tokens = tokens
        self._senders = senders
        self._catalogue = catalogue
        self._wake_ups = wake_ups
        self._telemetry = telemetry
        self._clock = clock
        self._resend_orders = resend_orders
        self._stops = stops

    def __call__(self) -> Settlement:
        """Run one round. UnavailableError."""
        now = self._clock()
        with self._store.write() as tx:
            doubts = tx.doubts.take(now - FIRST_LOOK, _AT_ONCE, now)
            for doubt in doubts:  # so that nobody else looks at it meanwhile
                tx.doubts.look_again(doubt.dispatch_id, next_look(doubt, now))
            tx.deliveries.beat("settle", now)
        settled = queued = 0
        for doubt in doubts:
            found, asked = self._ask(doubt)
            if found:
                settled += self._settle(found)
            else:
                queued += self._conclude(doubt, asked=asked)
        return Settlement(len(doubts), settled, queued)

    def _ask(self, doubt: Doubt) -> tuple[ProviderEvent | None, bool]:
        """Ask whether the provider has the message; say too whether all was asked that can be."""
        lookup = self._lookups.get(doubt.provider)
        if lookup is None or doubt.channel is not Channel.SMS or doubt.address is None:
            return None, True
        claim = OptOutClaim(doubt.recipient_id, doubt.topic, doubt.channel, doubt.message_id)
        link = self._senders.opt_out_url(doubt.channel, self._tokens.opt_out(claim))
        try:
            found = lookup.find(doubt.address, link, doubt.since - _LONGEST_CALL)
        except UnavailableError:
            _log.warning("the provider's list cannot be read", extra={"provider": doubt.provider})
            return None, False
        if found is None:
            return None, True
        # By our own id: theirs is not written down anywhere yet.
        return found._replace(message_ref=ids.public(ids.MESSAGE, doubt.message_id)), True

    def _settle(self, found: ProviderEvent) -> int:
        now = self._clock()
        with self._store.write() as tx:
            applied = apply_events(tx, self._catalogue, [found], now, stops=self._stops)
        self._tell(applied)
        return len(applied.moved)

    def _conclude(self, doubt: Doubt, *, asked: bool) -> int:
        """Do what is due when no word has come; return how many dispatches were queued again."""
        now = self._clock()
        topic = self._catalogue.numbered(doubt.topic)
        found = verdict(
            doubt,
            now,
            transactional=topic is not None and topic.purpose is Purpose.TRANSACTIONAL,
            resend=self._resend_orders,
            asked=asked,
        )
        if found is Verdict.LOOK_AGAIN:
            return 0
        if found is Verdict.LEAVE:
            with self._store.write() as tx:
                tx.doubts.look_again(doubt.dispatch_id, None)
            return 0
        return self._send_again(doubt)

    def _send_again(self, doubt: Doubt) -> int:
        """Queue an order update again, unless it was cancelled, superseded, erased or settled meanwhile."""
        now = self._clock()
        number = doubt.notification_id
        with self._store.write() as tx:
            standing = tx.notifications.lock([number]) if number else {}
            if number not in standing:
                return 0
            closed = standing[number]
            if closed:
                tx.doubts.close(doubt, closed, _CLOSED, now)
                tx.outbound.moved({doubt.message_id: closed}, now)
                return 0
            queued = tx.doubts.send_again(doubt.dispatch_id, now)
        if queued:
            _log.warning(
                "an order update is sent again: no word came of its first call",
                extra={"message_id": doubt.message_id, "provider": doubt.provider},
            )
            self._wake_ups.ring(doubt.lane, [doubt.dispatch_id])
        return int(queued)

    def _tell(self, applied: Applied) -> None:
        tell(applied, self._catalogue, self._telemetry, self._wake_ups)
