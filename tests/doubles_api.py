"""The use cases as the API sees them, in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException

from notify.contacts import ParsedContacts
from notify.domain.catalogue import Catalogue, Channel, Purpose, Topic
from notify.domain.content import Links
from notify.domain.errors import (
    FieldProblem,
    IdempotencyMismatchError,
    InvalidRequestError,
    NotFoundError,
)
from notify.domain.imports import ImportedRow, ImportReport, RefusedRow
from notify.domain.requests import Choice, Idempotency, Lane, NotificationRequest, Proof, RecipientInput
from notify.domain.sms_senders import SmsSenders
from notify.domain.views import (
    NotificationView,
    PreferenceView,
    RecipientView,
)
from notify.ports import Templates
from notify.usecases.api_keys import Caller, KeyScope
from notify.usecases.ledger.export import ExportLedger, Extent
from notify.usecases.notifications.accept import AcceptNotifications
from notify.usecases.notifications.cancel import CancelNotification
from notify.usecases.preferences.change_preferences import ChangePreferences
from notify.usecases.recipients.import_recipients import ImportRecipients, Rows
from notify.usecases.recipients.search import SearchRecipients
from notify.usecases.recipients.upsert import UpsertRecipient
from notify.usecases.rights.erase import EraseRecipient
from notify.web import errors, request_ids
from notify.web.api.blueprints import ApiParts, api_blueprints
from notify.web.slashes import merge_slashes
from tests.doubles_campaigns import FakeDesk
from tests.doubles_lookups import AT, FakeLookups, notification_view, recipient_view
from tests.doubles_suppressions import FakeSuppressions
from tests.doubles_templates import FakeTemplates
from tests.doubles_webhooks import FakeWebhooks

LINKS = Links("https://n.example/u/sample", "https://n.example/preferences/sample")


def caller(*scopes: KeyScope, test: bool = False) -> Caller:
    return Caller(1, "test", frozenset(scopes), test)


KEYS: dict[str, Caller] = {
    "admin": caller(KeyScope.ADMIN),
    "test": caller(KeyScope.SEND, KeyScope.CAMPAIGNS, test=True),
    **{str(scope): caller(scope) for scope in KeyScope if scope is not KeyScope.ADMIN},
}


class Accept(AcceptNotifications):
    """Takes everything but the template `missing`, and remembers what it was called with."""

    def __init__(self) -> None:
        self.requests: list[NotificationRequest | InvalidRequestError] = []
        self.calls: list[tuple[Lane, Idempotency | None, bool]] = []
        self.seen: dict[str, bytes] = {}
        self.fails: Exception | None = None

    def __call__(
        self,
        requests: Sequence[NotificationRequest | InvalidRequestError],
        *,
        lane: Lane,
        idempotency: Idempotency | None = None,
        test: bool = False,
    ) -> list[NotificationView | InvalidRequestError]:
        if self.fails:
            raise self.fails
        if idempotency and self.seen.setdefault(idempotency.key, idempotency.request) != idempotency.request:
            raise IdempotencyMismatchError
        self.requests += requests
        self.calls.append((lane, idempotency, test))
        return [self._result(request, number) for number, request in enumerate(requests, 1)]

    @staticmethod
    def _result(
        request: NotificationRequest | InvalidRequestError, number: int
    ) -> NotificationView | InvalidRequestError:
        if isinstance(request, InvalidRequestError):
            return request
        if request.template == "missing":
            return InvalidRequestError([FieldProblem("/template", "there is no such template")])
        return notification_view(request, number)


class Cancel(CancelNotification):
    """Knows notification `n1`."""

    def __init__(self) -> None:
        pass

    def __call__(self, notification_id: str) -> NotificationView:
        if notification_id != "n1":
            raise NotFoundError
        return notification_view(NotificationRequest("order_shipped", RecipientInput("C-1")))


class Upsert(UpsertRecipient):
    """Remembers what it was given."""

    def __init__(self) -> None:
        self.given: list[RecipientInput] = []

    def __call__(self, given: RecipientInput) -> RecipientView:
        self.given.append(given)
        return recipient_view(given.id)


class Erase(EraseRecipient):
    """Remembers who was erased; knows `C-1`."""

    def __init__(self) -> None:
        self.erased: list[str] = []

    def __call__(self, recipient_id: str) -> None:
        if recipient_id != "C-1":
            raise NotFoundError
        self.erased.append(recipient_id)


class Import(ImportRecipients):
    """Accepts every row that could be read, and remembers it."""

    def __init__(self) -> None:
        self.rows: list[ImportedRow] = []

    def __call__(self, rows: Rows) -> ImportReport:
        report = ImportReport()
        for row in rows:
            if isinstance(row, RefusedRow):
                report.refuse(row)
            else:
                self.rows.append(row)
                report.accepted += 1
        return report


class Change(ChangePreferences):
    """Remembers what was chosen."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Sequence[Choice], Proof | None]] = []

    def __call__(
        self, recipient_id: str, choices: Sequence[Choice], proof: Proof | None
    ) -> list[PreferenceView]:
        self.calls.append((recipient_id, choices, proof))
        return [
            {
                "topic": choice.topic,
                "channel": choice.channel,
                "purpose": "marketing",
                "subscribed": choice.subscribed,
                "pending": False,
                "changed_at": AT,
            }
            for choice in choices
        ]


CATALOGUE = Catalogue(
    [
        Topic(
            1,
            "order_updates",
            Purpose.TRANSACTIONAL,
            {"fr": "Commandes", "en": "Orders"},
            {"fr": "…", "en": "…"},
            {"fr": "…", "en": "…"},
        )
    ]
)


class Export(ExportLedger):
    """Knows one recipient, whose ledger is one line."""

    def __init__(self) -> None:
        pass

    def __call__(self, extent: Extent) -> Iterator[str]:
        if extent.recipient_id != "C-1":
            raise NotFoundError
        return iter(["entry_id\r\n", "cns_7\r\n"])


@dataclass
class FakeApi:
    """The API on doubles."""

    accept: Accept = field(default_factory=Accept)
    cancel: Cancel = field(default_factory=Cancel)
    upsert: Upsert = field(default_factory=Upsert)
    erase: Erase = field(default_factory=Erase)
    imports: Import = field(default_factory=Import)
    change: Change = field(default_factory=Change)
    campaigns: FakeDesk = field(default_factory=FakeDesk)
    suppressions: FakeSuppressions = field(default_factory=FakeSuppressions)
    webhooks: FakeWebhooks = field(default_factory=FakeWebhooks)
    lookups: FakeLookups = field(default_factory=FakeLookups)
    export: ExportLedger = field(default_factory=Export)
    templates: Templates = field(default_factory=FakeTemplates)

    def app(self) -> Flask:
        parts = ApiParts(
            authenticate=KEYS.get,
            accept=self.accept,
            cancel=self.cancel,
            upsert=self.upsert,
            erase=self.erase,
            search=SearchRecipients(ParsedContacts(), self.lookups),
            import_recipients=self.imports,
            import_max_bytes=1_000_000,
            change=self.change,
            export_ledger=self.export,
            campaigns=self.campaigns,
            suppressions=self.suppressions,
            webhooks=self.webhooks,
            lookups=self.lookups,
            templates=self.templates,
            catalogue=CATALOGUE,
            sample_links={Channel.EMAIL: LINKS, Channel.SMS: LINKS},
            sms_senders=SmsSenders("Smarttontin", "Smarttontin"),
        )
        app = Flask("test_api", static_folder=None)
        merge_slashes(app)
        request_ids.install(app)
        errors.install(app, elsewhere)
        for blueprint in api_blueprints(parts):
            app.register_blueprint(blueprint)
        return app

    def client(self) -> FlaskClient:
        return self.app().test_client()


def elsewhere(error: HTTPException) -> tuple[str, int]:
    """Stand in for the pages' own way of failing."""
    return f"page {error.code}", error.code or 500


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}
