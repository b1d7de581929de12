"""The database, and one transaction of it."""

from contextlib import AbstractContextManager
from typing import Protocol

from notify.domain.ledger import LedgerEntry, OptedOut, UndoDraft
from notify.domain.token_claims import OptOutClaim
from notify.store.alerts import Alerts
from notify.store.api_keys import ApiKeys
from notify.store.campaigns import Audiences, Campaigns
from notify.store.confirmations import Confirmations
from notify.store.consents import Consents
from notify.store.deliveries import Deliveries
from notify.store.erasure import Erasure
from notify.store.errands import Errands
from notify.store.events import Doubts, Events
from notify.store.history import History
from notify.store.imports import Imports
from notify.store.journal import Journal, Restoring
from notify.store.ledger import Ledger
from notify.store.ledger_audit import LedgerAudit
from notify.store.notifications import Notifications
from notify.store.outbound import Outbound
from notify.store.recipients import Recipients
from notify.store.retention import Retention
from notify.store.sms_budget import SmsBudget
from notify.store.sms_mirrors import SmsMirrors
from notify.store.soft_bounces import SoftBounces
from notify.store.suppressions import Suppressions
from notify.store.webhooks import WebhookDeliveries, WebhookEndpoints


class Transaction(Protocol):
    """One transaction, and what can be done in it."""

    @property
    def recipients(self) -> Recipients: ...  # noqa: D102 - see the Protocols above

    @property
    def imports(self) -> Imports: ...  # noqa: D102

    @property
    def consents(self) -> Consents: ...  # noqa: D102

    @property
    def ledger(self) -> Ledger: ...  # noqa: D102

    @property
    def audit(self) -> LedgerAudit: ...  # noqa: D102

    @property
    def history(self) -> History: ...  # noqa: D102

    @property
    def confirmations(self) -> Confirmations: ...  # noqa: D102

    @property
    def suppressions(self) -> Suppressions: ...  # noqa: D102

    @property
    def notifications(self) -> Notifications: ...  # noqa: D102

    @property
    def deliveries(self) -> Deliveries: ...  # noqa: D102

    @property
    def sms_budget(self) -> SmsBudget: ...  # noqa: D102

    @property
    def sms_mirrors(self) -> SmsMirrors: ...  # noqa: D102

    @property
    def api_keys(self) -> ApiKeys: ...  # noqa: D102

    @property
    def campaigns(self) -> Campaigns: ...  # noqa: D102

    @property
    def audiences(self) -> Audiences: ...  # noqa: D102

    @property
    def events(self) -> Events: ...  # noqa: D102

    @property
    def alerts(self) -> Alerts: ...  # noqa: D102

    @property
    def soft_bounces(self) -> SoftBounces: ...  # noqa: D102

    @property
    def doubts(self) -> Doubts: ...  # noqa: D102

    @property
    def journal(self) -> Journal: ...  # noqa: D102

    @property
    def restoring(self) -> Restoring: ...  # noqa: D102

    @property
    def retention(self) -> Retention: ...  # noqa: D102

    @property
    def erasure(self) -> Erasure: ...  # noqa: D102

    @property
    def errands(self) -> Errands: ...  # noqa: D102

    @property
    def outbound(self) -> Outbound: ...  # noqa: D102

    @property
    def webhook_endpoints(self) -> WebhookEndpoints: ...  # noqa: D102

    @property
    def webhook_deliveries(self) -> WebhookDeliveries: ...  # noqa: D102


class Store(Protocol):
    """The database."""

    def write(self) -> AbstractContextManager[Transaction]:
        """Open a transaction that commits at the end, or rolls back on an error.

        UnavailableError when the database is out of reach.
        """
        ...

    def opt_out_at_once(self, claim: OptOutClaim, entry: LedgerEntry, undo: UndoDraft) -> OptedOut | None:
        """Do all of an ordinary opt-out, locks included, on the word of a token, in one transaction.

        The address is that of the token's message, else the person's; the language of the entry, if it has
        none, is the message's. None, and nothing is done, where it takes more than one look: the person is
        gone, has left before, or someone changes the same at this moment; or the database cannot.
        """
        ...

    def read(self) -> AbstractContextManager[Transaction]:
        """Open a transaction that only reads."""
        ...
