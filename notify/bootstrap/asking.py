"""What callers and persons ask for: the use cases behind the API, the pages and the webhooks."""

import time
from functools import cached_property, partial

from notify.bootstrap.adapters import Adapters
from notify.domain.confirmations import TEMPLATES
from notify.storage.campaign_lookups import SqlCampaignLookups
from notify.storage.listeners import KNOWN_AFTER_SECONDS
from notify.storage.lookups import SqlLookups
from notify.storage.suppression_lookups import SqlSuppressionLookups
from notify.storage.webhook_lookups import SqlWebhookLookups
from notify.usecases.api_keys import Authenticate, CreateKey, ListKeys, RevokeKey
from notify.usecases.campaigns.desk import CampaignDesk
from notify.usecases.campaigns.sms_costs import SmsCosts
from notify.usecases.centre.preference_centre import PreferenceCentre
from notify.usecases.centre.send_link import SendCentreLink
from notify.usecases.check_health import CheckHealth
from notify.usecases.notifications.accept import AcceptNotifications
from notify.usecases.notifications.cancel import CancelNotification
from notify.usecases.notifications.checking_requests import RequestCheck
from notify.usecases.outbound_webhooks.endpoints import WebhookDesk
from notify.usecases.preferences.change_preferences import ChangePreferences
from notify.usecases.preferences.confirm import Confirm
from notify.usecases.preferences.confirmations import Confirmations
from notify.usecases.preferences.undo import UndoOptOut
from notify.usecases.preferences.unsubscribe import Unsubscribe
from notify.usecases.recipients.import_recipients import ImportRecipients
from notify.usecases.recipients.search import SearchRecipients
from notify.usecases.recipients.upsert import UpsertRecipient
from notify.usecases.rights.erase import EraseRecipient
from notify.usecases.sms.mirror import SmsStandings
from notify.usecases.sms.provider_stops import ProviderStops
from notify.usecases.sms.receive import ReceiveSms
from notify.usecases.sms.stops import SmsStops
from notify.usecases.suppressions import SuppressionDesk


class Asking(Adapters):
    """Use cases that answer at once, each built when it is first asked for."""

    @cached_property
    def lookups(self) -> SqlLookups:
        """Everything a caller can read."""
        return SqlLookups(self.engine, self.vault, self.catalogue, self._clock)

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
    def search_recipients(self) -> SearchRecipients:
        """Find recipients by address."""
        return SearchRecipients(self.contacts, self.lookups)

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
    def sms_stops(self) -> SmsStops:
        """Bar and readmit numbers."""
        return SmsStops(self.catalogue)

    @cached_property
    def provider_stops(self) -> ProviderStops:
        """Follow STOPs that only a provider heard."""
        return ProviderStops(self.sms_stops, self.senders, self.catalogue)

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
            mirrored=self.settings.twilio_consents,
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
            catalogue=self.catalogue,
            contacts=self.contacts,
            lookups=SqlSuppressionLookups(self.engine, self.vault),
            clock=self._clock,
        )

    @cached_property
    def sms_costs(self) -> SmsCosts:
        """What SMS come to."""
        return SmsCosts(self.templates, self.composer.sample_sms_links, self.settings.sms_prices)

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
