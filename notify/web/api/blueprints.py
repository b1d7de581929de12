"""All of the API, ready to be registered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from flask import Blueprint

from notify.domain.catalogue import Catalogue, Channel
from notify.domain.content import Links
from notify.domain.prices import SmsPrices
from notify.domain.sms_senders import SmsSenders
from notify.ports import Templates
from notify.store.lookups import Lookups
from notify.usecases.api_keys import Caller
from notify.usecases.campaigns.desk import CampaignDesk
from notify.usecases.ledger.export import ExportLedger
from notify.usecases.notifications.accept import AcceptNotifications
from notify.usecases.notifications.cancel import CancelNotification
from notify.usecases.outbound_webhooks.endpoints import WebhookDesk
from notify.usecases.preferences.change_preferences import ChangePreferences
from notify.usecases.recipients.import_recipients import ImportRecipients
from notify.usecases.recipients.search import SearchRecipients
from notify.usecases.recipients.upsert import UpsertRecipient
from notify.usecases.rights.erase import EraseRecipient
from notify.usecases.suppressions import SuppressionDesk
from notify.web.api.auth import Door
from notify.web.api.campaigns import campaigns_blueprint
from notify.web.api.catalogue import catalogue_blueprint
from notify.web.api.docs import docs_blueprint
from notify.web.api.imports import imports_blueprint
from notify.web.api.messages import messages_blueprint
from notify.web.api.notifications import notifications_blueprint
from notify.web.api.preferences import preferences_blueprint
from notify.web.api.recipients import recipients_blueprint
from notify.web.api.suppressions import suppressions_blueprint
from notify.web.api.webhook_endpoints import webhook_endpoints_blueprint


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiParts:
    """Everything the API calls; `sample_links` stand in previews, `import_max_bytes` bounds imports."""

    authenticate: Callable[[str], Caller | None]
    accept: AcceptNotifications
    cancel: CancelNotification
    upsert: UpsertRecipient
    erase: EraseRecipient
    search: SearchRecipients
    import_recipients: ImportRecipients
    import_max_bytes: int
    change: ChangePreferences
    export_ledger: ExportLedger
    campaigns: CampaignDesk
    suppressions: SuppressionDesk
    webhooks: WebhookDesk
    lookups: Lookups
    templates: Templates
    catalogue: Catalogue
    sample_links: Mapping[Channel, Links]
    sms_senders: SmsSenders
    sms_prices: SmsPrices = field(default_factory=SmsPrices)


def api_blueprints(parts: ApiParts) -> list[Blueprint]:
    """Return the blueprints of the API and of its documentation, each given exactly what it calls."""
    door = Door(parts.authenticate)
    return [
        notifications_blueprint(
            door,
            accept=parts.accept,
            cancel=parts.cancel,
            lookups=parts.lookups,
            templates=parts.templates,
        ),
        messages_blueprint(door, lookups=parts.lookups),
        recipients_blueprint(
            door, upsert=parts.upsert, erase=parts.erase, search=parts.search, lookups=parts.lookups
        ),
        imports_blueprint(door, import_recipients=parts.import_recipients, max_bytes=parts.import_max_bytes),
        preferences_blueprint(door, change=parts.change, lookups=parts.lookups, export=parts.export_ledger),
        campaigns_blueprint(door, desk=parts.campaigns),
        suppressions_blueprint(door, desk=parts.suppressions),
        webhook_endpoints_blueprint(door, desk=parts.webhooks),
        catalogue_blueprint(
            door,
            catalogue=parts.catalogue,
            templates=parts.templates,
            sample_links=parts.sample_links,
            sms_senders=parts.sms_senders,
            sms_prices=parts.sms_prices,
        ),
        docs_blueprint(),
    ]
