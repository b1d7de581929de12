"""Builds the Flask application: registers the web on what the composition root built."""

from flask import Flask

from notify.bootstrap import Composition
from notify.web import access_log, errors, request_ids
from notify.web.api.blueprints import ApiParts, api_blueprints
from notify.web.health import health_blueprint
from notify.web.pages.centre import centre_blueprint
from notify.web.pages.confirm import confirm_blueprint
from notify.web.pages.failures import failure_pages
from notify.web.pages.index import index_blueprint
from notify.web.pages.outbox import outbox_blueprint
from notify.web.pages.rendering import Pages
from notify.web.pages.unsubscribe import unsubscribe_blueprint
from notify.web.proxies import trust_proxies
from notify.web.slashes import merge_slashes
from notify.web.webhooks.events import events_blueprint
from notify.web.webhooks.inbound_mail import inbound_mail_blueprint
from notify.web.webhooks.inbound_sms import inbound_sms_blueprint


def create_app(composition: Composition) -> Flask:
    """Return the application; nothing is served before its parts could be built."""
    app = Flask("notify", static_folder=None, template_folder=None)
    settings = composition.settings
    pages = Pages(settings.templates_dir / "pages", settings.imprint)
    merge_slashes(app)
    trust_proxies(app, settings.trusted_proxies)
    request_ids.install(app)
    access_log.log_requests(app)
    errors.install(app, elsewhere=failure_pages(pages))
    for blueprint in api_blueprints(_api_parts(composition)):
        app.register_blueprint(blueprint)
    app.register_blueprint(
        unsubscribe_blueprint(composition.unsubscribe, composition.undo, composition.send_centre_link, pages)
    )
    app.register_blueprint(confirm_blueprint(composition.confirm, pages))
    app.register_blueprint(centre_blueprint(composition.preference_centre, composition.undo, pages))
    receives_mail = settings.unsubscribe_mail_domain is not None
    app.register_blueprint(inbound_mail_blueprint(composition.unsubscribe, receives_mail=receives_mail))
    app.register_blueprint(events_blueprint(composition.receive_events))
    app.register_blueprint(inbound_sms_blueprint(composition.receive_sms))
    app.register_blueprint(index_blueprint(pages, outbox=settings.uses_outbox))
    if settings.uses_outbox:
        app.register_blueprint(outbox_blueprint(composition.outbox, pages))
    metrics = composition.exposition if settings.metrics_port is None else None
    app.register_blueprint(health_blueprint(composition.check_health, metrics))
    return app


def _api_parts(composition: Composition) -> ApiParts:
    return ApiParts(
        authenticate=composition.authenticate,
        accept=composition.accept_notifications,
        cancel=composition.cancel_notification,
        upsert=composition.upsert_recipient,
        erase=composition.erase_recipient,
        search=composition.search_recipients,
        import_recipients=composition.import_recipients,
        import_max_bytes=composition.settings.import_max_bytes,
        change=composition.change_preferences,
        export_ledger=composition.export_ledger,
        campaigns=composition.campaigns,
        suppressions=composition.suppressions,
        webhooks=composition.webhooks,
        lookups=composition.lookups,
        templates=composition.templates,
        catalogue=composition.catalogue,
        sample_links=composition.composer.sample_links(),
        sms_senders=composition.senders.sms,
        sms_prices=composition.settings.sms_prices,
    )
