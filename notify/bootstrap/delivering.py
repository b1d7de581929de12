"""What brings messages to people, and word of them back."""

from datetime import timedelta
from functools import cached_property
from typing import Final

from notify.bootstrap.asking import Asking
from notify.domain.soft_bounces import SoftBounceRule
from notify.usecases.campaigns.run import RunCampaigns
from notify.usecases.campaigns.watch import WatchCampaigns
from notify.usecases.campaigns.watch_complaints import WatchComplaints
from notify.usecases.delivery.deliver import Deliver
from notify.usecases.delivery.gate import Gate
from notify.usecases.delivery.reconcile import Reconcile
from notify.usecases.delivery.refused_addresses import RefusedAddresses
from notify.usecases.delivery.right_hours import RightHours
from notify.usecases.delivery.settle_unknown import SettleUnknown
from notify.usecases.events.receive import ReceiveEvents
from notify.usecases.events.record import RecordEvents
from notify.usecases.outbound_webhooks.tell import TellEndpoints

_CALL_MARGIN_SECONDS: Final = 2.5
"""How much longer than a provider's time-out a call's lease lasts."""


class Delivering(Asking):
    """Use cases of the workers, each built when it is first asked for."""

    @cached_property
    def deliver(self) -> Deliver:
        """The one door to the providers."""
        return Deliver(
            store=self.store,
            composer=self.composer,
            policy=self.policy,
            hours=RightHours(self.lawful_hours),
            gate=self.gate,
            refused=RefusedAddresses(self.provider_stops),
            providers=self.provider_choice,
            throttle=self.throttle,
            wake_ups=self.wake_ups,
            telemetry=self.telemetry,
            clock=self._clock,
            random=self._random,
        )

    @cached_property
    def gate(self) -> Gate:
        """The last look before the socket."""
        return Gate(
            self.store,
            self.policy,
            self._clock,
            call_lease=timedelta(seconds=self.settings.provider_timeout + _CALL_MARGIN_SECONDS),
            sms_daily_limit=self.settings.sms_daily_limit,
        )

    @cached_property
    def receive_events(self) -> ReceiveEvents:
        """Take providers' posts."""
        return ReceiveEvents(self.store, self.event_sources, self.telemetry, self._clock)

    @cached_property
    def record_events(self) -> RecordEvents:
        """Read providers' posts."""
        return RecordEvents(
            store=self.store,
            sources=self.event_sources,
            catalogue=self.catalogue,
            wake_ups=self.wake_ups,
            telemetry=self.telemetry,
            clock=self._clock,
            stops=self.provider_stops,
            soft_bounces=SoftBounceRule(
                self.settings.soft_bounce_limit, timedelta(days=self.settings.soft_bounce_days)
            ),
        )

    @cached_property
    def run_campaigns(self) -> RunCampaigns:
        """The campaign pump."""
        return RunCampaigns(
            store=self.store,
            policy=self.policy,
            hours=self.lawful_hours,
            wake_ups=self.wake_ups,
            telemetry=self.telemetry,
            clock=self._clock,
        )

    @cached_property
    def watch_complaints(self) -> WatchComplaints:
        """Warn of campaigns that do harm before they have to stop."""
        return WatchComplaints(self.store, self._clock)

    @cached_property
    def watch_campaigns(self) -> WatchCampaigns:
        """Stop campaigns that do harm."""
        return WatchCampaigns(self.store, self._clock)

    @cached_property
    def settle_unknown(self) -> SettleUnknown:
        """Look for word of calls that broke off."""
        asks_twilio = self.settings.twilio_account_sid and self.settings.twilio_auth_token
        return SettleUnknown(
            store=self.store,
            lookups={"twilio": self._twilio()} if asks_twilio else {},
            tokens=self.tokens,
            senders=self.senders,
            catalogue=self.catalogue,
            wake_ups=self.wake_ups,
            telemetry=self.telemetry,
            clock=self._clock,
            stops=self.provider_stops,
            resend_orders=self.settings.resend_unknown_orders,
        )

    @cached_property
    def reconcile(self) -> Reconcile:
        """Find what lost its wake-up or its worker."""
        return Reconcile(self.store, self.wake_ups, self._clock)

    @cached_property
    def tell_endpoints(self) -> TellEndpoints:
        """Tell the shop's webhook endpoints what happened."""
        return TellEndpoints(
            store=self.store,
            calls=self.shop_endpoints,
            catalogue=self.catalogue,
            clock=self._clock,
            random=self._random,
        )
