"""The composition root: everything is built here, once for a process, from the settings."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Final

from notify.bootstrap.adapters import Adapters
from notify.domain.confirmations import TEMPLATES
from notify.domain.errands import SENDGRID_ERASURE, TELL_CANCELLED
from notify.domain.errors import ConfigurationError, NotFoundError
from notify.domain.journal import last_head
from notify.domain.sms_mirroring import TWILIO_CONSENT
from notify.domain.soft_bounces import SoftBounceRule
from notify.journal import FileJournal, read_lines
from notify.providers.sendgrid_erasure import SendGridErasure
from notify.settings import Settings
from notify.storage.campaign_lookups import SqlCampaignLookups
from notify.storage.installation import rewrap
from notify.storage.listeners import KNOWN_AFTER_SECONDS
from notify.storage.lookups import SqlLookups
from notify.storage.rotation import rotate
from notify.storage.suppression_lookups import SqlSuppressionLookups
from notify.storage.webhook_lookups import SqlWebhookLookups
from notify.usecases.accept_notifications import AcceptNotifications
from notify.usecases.api_keys import Authenticate, CreateKey, ListKeys, RevokeKey
from notify.usecases.campaigns.desk import CampaignDesk
from notify.usecases.campaigns.run import RunCampaigns
from notify.usecases.campaigns.sms_costs import SmsCosts
from notify.usecases.campaigns.watch import WatchCampaigns
from notify.usecases.cancel_notification import CancelNotification
from notify.usecases.centre.pausing import EndPauses
from notify.usecases.centre_link import SendCentreLink
from notify.usecases.change_preferences import ChangePreferences
from notify.usecases.check_health import CheckHealth
from notify.usecases.checking_requests import RequestCheck
from notify.usecases.confirm import Confirm
from notify.usecases.confirmations import Confirmations
from notify.usecases.deliver import Deliver
from notify.usecases.erase_recipient import EraseRecipient
from notify.usecases.export_ledger import ExportLedger
from notify.usecases.follow_ledger import Follower, FollowLedger
from notify.usecases.gate import Gate
from notify.usecases.import_recipients import ImportRecipients
from notify.usecases.journal import WriteJournal, journal_choices
from notify.usecases.keep_recipients import UpsertRecipient
from notify.usecases.mail_ledger_head import TEMPLATE as LEDGER_HEAD
from notify.usecases.mail_ledger_head import MailLedgerHead
from notify.usecases.mirror_opt_outs import MirrorOptOuts, SmsStandings, TellOptOuts
from notify.usecases.preference_centre import PreferenceCentre
from notify.usecases.provider_stops import ProviderStops
from notify.usecases.purge import Purge
from notify.usecases.receive_events import ReceiveEvents
from notify.usecases.receive_sms import ReceiveSms
from notify.usecases.reconcile import Reconcile
from notify.usecases.record_events import RecordEvents
from notify.usecases.refused_addresses import RefusedAddresses
from notify.usecases.restore_optouts import Restored, RestoreOptOuts
from notify.usecases.retain import Retain
from notify.usecases.right_hours import RightHours
from notify.usecases.run_errands import Handler, RunErrands
from notify.usecases.seal_ledger import SealLedger
from notify.usecases.settle_unknown import SettleUnknown
from notify.usecases.sms_stops import SmsStops
from notify.usecases.suppressions import SuppressionDesk
from notify.usecases.tell_endpoints import TellEndpoints
from notify.usecases.telling_cancelled import TellCancelled
from notify.usecases.telling_preferences import tell_preferences
from notify.usecases.undo import UndoOptOut
from notify.usecases.unsubscribe import Unsubscribe
from notify.usecases.verify_ledger import VerifyLedger
from notify.usecases.watching_bursts import watch_bursts
from notify.usecases.webhook_endpoints import WebhookDesk

_CALL_MARGIN_SECONDS: Final = 2.5
"""How much longer than a provider's time-out a call's lease lasts."""


class Composition(Adapters):
    """The use cases of one process, each built when it is first asked for."""

    @cached_property
    def lookups(self) -> SqlLookups:
        """Everything a caller can read."""
        return SqlLookups(self.engine, self.vault, self.catalogue, self.contacts, self._clock)

    @cached_property
    def accept_notifications(self) -> AcceptNotifications:
        """Accept notifications."""
        return AcceptNotifications(
            store=self.store,
            check=RequestCheck(self.templates, self.contacts, self.catalogue, self.store),
            policy=self.policy,
            wake_ups=self.wake_ups,
            telemetry=self.telemetry,
            clock=self._clock,
        )

    @cached_property
    def cancel_notification(self) -> CancelNotification:
        """Cancel what has not left."""
        return CancelNotification(self.store, self.lookups, self.catalogue, self.telemetry, self._clock)

    @cached_property
    def upsert_recipient(self) -> UpsertRecipient:
        """Create and change recipients."""
        return UpsertRecipient(self.store, self.contacts, self.lookups, self._clock)

    @cached_property
    def import_recipients(self) -> ImportRecipients:
        """Import a file of recipients."""
        return ImportRecipients(self.store, self.contacts, self.catalogue, self._clock)

    @cached_property
    def erase_recipient(self) -> EraseRecipient:
        """Erase a person."""
        return EraseRecipient(self.store, self._clock, at_sendgrid=self.settings.sendgrid_api_key is not None)

    @cached_property
    def change_preferences(self) -> ChangePreferences:
        """Change preferences on the shop's word."""
        return ChangePreferences(
            store=self.store,
            catalogue=self.catalogue,
            confirmations=self.confirmations,
            lookups=self.lookups,
            clock=self._clock,
        )

    @cached_property
    def confirmations(self) -> Confirmations:
        """Ask persons to confirm; ConfigurationError if a message for that has no template."""
        self.templates.require(TEMPLATES.values())
        return Confirmations(
            store=self.store,
            policy=self.policy,
            senders=self.senders,
            wake_ups=self.wake_ups,
            telemetry=self.telemetry,
            clock=self._clock,
        )

    @cached_property
    def confirm(self) -> Confirm:
        """Do what persons confirm."""
        return Confirm(
            store=self.store,
            catalogue=self.catalogue,
            tokens=self.tokens,
            senders=self.senders,
            lookups=self.lookups,
            erase=self.erase_recipient,
            clock=self._clock,
        )

    @cached_property
    def send_centre_link(self) -> SendCentreLink:
        """Send the preference centre's link."""
        return SendCentreLink(self.store, self.tokens, self.confirmations)

    @cached_property
    def unsubscribe(self) -> Unsubscribe:
        """Opt out by a link."""
        return Unsubscribe(self.store, self.tokens, self.catalogue, self._clock)

    @cached_property
    def undo(self) -> UndoOptOut:
        """Take an opt-out back."""
        return UndoOptOut(self.store, self.catalogue, self._clock)

    @cached_property
    def preference_centre(self) -> PreferenceCentre:
        """Show and change all preferences of a person."""
        return PreferenceCentre(
            store=self.store,
            tokens=self.tokens,
            catalogue=self.catalogue,
            confirmations=self.confirmations,
            clock=self._clock,
        )

    @cached_property
    def end_pauses(self) -> EndPauses:
        """Lift suppressions whose end has come."""
        return EndPauses(self.store, self._clock)

    @cached_property
    def authenticate(self) -> Authenticate:
        """Check API keys."""
        return Authenticate(self.store, self._clock)

    @cached_property
    def create_key(self) -> CreateKey:
        """Make API keys."""
        return CreateKey(self.store, self._clock)

    @cached_property
    def list_keys(self) -> ListKeys:
        """List API keys."""
        return ListKeys(self.store)

    @cached_property
    def revoke_key(self) -> RevokeKey:
        """Revoke API keys."""
        return RevokeKey(self.store, self._clock)

    @cached_property
    def check_health(self) -> CheckHealth:
        """Check the database and Redis."""
        return CheckHealth(self.backlog, self.queues)

    @cached_property
    def deliver(self) -> Deliver:
        """The one door to the providers."""
        return Deliver(
            store=self.store,
            composer=self.composer,
            policy=self.policy,
            hours=RightHours(self.lawful_hours),
            gate=Gate(
                self.store,
                self.policy,
                self._clock,
                call_lease=self._call_lease,
                sms_daily_limit=self.settings.sms_daily_limit,
            ),
            refused=RefusedAddresses(self.provider_stops),
            providers=self.provider_choice,
            throttle=self.throttle,
            wake_ups=self.wake_ups,
            telemetry=self.telemetry,
            clock=self._clock,
            random=random.random,
        )

    @cached_property
    def receive_events(self) -> ReceiveEvents:
        """Take providers' posts."""
        return ReceiveEvents(self.store, self.event_sources, self.telemetry, self._clock)

    @cached_property
    def sms_stops(self) -> SmsStops:
        """Bar and readmit numbers."""
        return SmsStops(self.catalogue)

    @cached_property
    def provider_stops(self) -> ProviderStops:
        """Follow STOPs that only a provider heard."""
        mirrors = self.settings.mirrors_opt_outs
        return ProviderStops(self.sms_stops, self.senders, self.catalogue, mirrors=mirrors)

    @cached_property
    def sms_standings(self) -> SmsStandings:
        """Read how numbers and senders stand."""
        return SmsStandings(self.catalogue, self.senders.sms)

    @cached_property
    def receive_sms(self) -> ReceiveSms:
        """Take SMS that people send us."""
        return ReceiveSms(
            store=self.store,
            source=self.inbound_sms,
            stops=self.sms_stops,
            senders=self.senders,
            tokens=self.tokens,
            telemetry=self.telemetry,
            clock=self._clock,
        )

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
    def campaigns(self) -> CampaignDesk:
        """What people do with campaigns."""
        return CampaignDesk(
            store=self.store,
            templates=self.templates,
            catalogue=self.catalogue,
            contacts=self.contacts,
            wake_ups=self.wake_ups,
            lookups=SqlCampaignLookups(self.engine, self.catalogue, self._clock),
            clock=self._clock,
            policy=self.policy,
            costs=self.sms_costs,
            mailto=self.settings.unsubscribe_mail_domain is not None,
        )

    @cached_property
    def suppressions(self) -> SuppressionDesk:
        """What a shop does with suppressions."""
        return SuppressionDesk(
            store=self.store,
            contacts=self.contacts,
            lookups=SqlSuppressionLookups(self.engine, self.vault),
            clock=self._clock,
        )

    @cached_property
    def sms_costs(self) -> SmsCosts:
        """What SMS come to."""
        return SmsCosts(self.templates, self.composer.sample_sms_links, self.settings.sms_prices)

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
    def purge(self) -> Purge:
        """Delete what has served."""
        return Purge(self.store, self._clock)

    @cached_property
    def tell_endpoints(self) -> TellEndpoints:
        """Tell the shop's webhook endpoints what happened."""
        return TellEndpoints(
            store=self.store,
            calls=self.shop_endpoints,
            catalogue=self.catalogue,
            clock=self._clock,
            random=random.random,
        )

    @cached_property
    def webhooks(self) -> WebhookDesk:
        """What a shop does with its webhook endpoints."""
        return WebhookDesk(
            store=self.store,
            calls=self.shop_endpoints,
            lookups=SqlWebhookLookups(self.engine, self.vault),
            clock=self._clock,
            until_known=partial(time.sleep, KNOWN_AFTER_SECONDS),
        )

    @cached_property
    def errand_handlers(self) -> Mapping[str, Handler]:
        """Who does the errands of each kind, where it is set up."""
        handlers: dict[str, Handler] = {TELL_CANCELLED: TellCancelled(self.store, self._clock)}
        settings = self.settings
        if settings.sendgrid_api_key:
            handlers[SENDGRID_ERASURE] = SendGridErasure(
                settings.sendgrid_api_key, settings.sendgrid_api_url, settings.provider_timeout
            )
        if settings.mirrors_opt_outs:
            handlers[TWILIO_CONSENT] = TellOptOuts(
                self.store, self.twilio_consents, self.sms_standings, self._clock
            )
        return handlers

    @cached_property
    def run_errands(self) -> RunErrands:
        """Do at providers what is to be done there."""
        return RunErrands(self.store, self.errand_handlers, self._clock)

    @cached_property
    def seal_ledger(self) -> SealLedger:
        """Close the ledger's new entries."""
        return SealLedger(self.store, self._clock)

    @cached_property
    def follow_ledger(self) -> FollowLedger:
        """Hand sealed entries to those who follow the ledger, each by the name of its cursor."""
        followers: dict[str, Follower] = {
            "journal": journal_choices,
            "webhooks": tell_preferences,
            "bursts": watch_bursts,
        }
        if TWILIO_CONSENT in self.errand_handlers:
            followers["twilio"] = MirrorOptOuts(self.sms_standings)
        return FollowLedger(self.store, followers, self._clock)

    @cached_property
    def retain(self) -> Retain:
        """Delete what is not to be kept any longer."""
        return Retain(self.store, self.erase_recipient, self.settings.retention, self._clock)

    @cached_property
    def write_journal(self) -> WriteJournal:
        """Write the journal of opt-outs."""
        return WriteJournal(self.store, FileJournal(self.settings.journal_path), self._clock)

    def journalled_head(self) -> str | None:
        """Return the newest head of the ledger that is in the journal, if there is one."""
        path = self.settings.journal_path
        return last_head(read_lines([path])) if path.is_file() else None

    def restore_optouts(self, journals: Sequence[Path], *, dry_run: bool) -> Restored:
        """Put back what a restored database has forgotten; `journals` are by default the one of the settings.

        NotFoundError if that is not there.
        """
        paths = journals or [self.settings.journal_path]
        if not all(path.is_file() for path in paths):
            raise NotFoundError("there is no journal; name its file, or set OPTOUT_JOURNAL")
        return RestoreOptOuts(self.store, self.catalogue, self._clock)(read_lines(paths), dry_run=dry_run)

    @cached_property
    def mail_ledger_head(self) -> MailLedgerHead | None:
        """Mail the ledger's head daily, where somebody wants it; ConfigurationError."""
        wanted = self.settings.ledger_head_to
        if wanted is None:
            return None
        self.templates.require([LEDGER_HEAD])
        try:
            address = self.contacts.email(wanted)
        except ValueError as error:
            raise ConfigurationError(f"LEDGER_HEAD_TO: {error}") from None
        return MailLedgerHead(
            store=self.store,
            policy=self.policy,
            wake_ups=self.wake_ups,
            clock=self._clock,
            address=address,
        )

    @cached_property
    def export_ledger(self) -> ExportLedger:
        """Write the ledger as CSV."""
        return ExportLedger(self.store, self.catalogue)

    @cached_property
    def verify_ledger(self) -> VerifyLedger:
        """Check all of the ledger."""
        return VerifyLedger(self.store, self.vault, self._clock)

    def rotate_keys(self, report: Callable[[str, int], None]) -> int:
        """Re-encrypt everything under the newest of ENCRYPTION_KEYS; return how many values changed."""
        ring = self.key_ring
        count = rewrap(self.engine, lambda old: old if ring.is_current(old) else ring.wrap(ring.unwrap(old)))
        report("installation_keys.wrapped", count)
        return count + rotate(self.engine, self.vault, report)

    @property
    def _call_lease(self) -> timedelta:
        return timedelta(seconds=self.settings.provider_timeout + _CALL_MARGIN_SECONDS)


def build(settings: Settings, role: str = "web") -> Composition:
    """Return the composition of a process."""
    return Composition(settings, role)
