"""The database as the use cases see it."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from notify.domain.ledger import LedgerEntry, OptedOut, UndoDraft
from notify.domain.token_claims import OptOutClaim
from notify.ports import Vault
from notify.storage.alerts import SqlAlerts
from notify.storage.api_keys import SqlApiKeys
from notify.storage.audiences import SqlAudiences
from notify.storage.campaigns import SqlCampaigns
from notify.storage.confirmations import SqlConfirmations
from notify.storage.consents import SqlConsents
from notify.storage.deliveries import SqlDeliveries
from notify.storage.doubts import SqlDoubts
from notify.storage.engine import transaction
from notify.storage.erasure import SqlErasure
from notify.storage.errands import SqlErrands
from notify.storage.events import SqlEvents
from notify.storage.held import Held
from notify.storage.history import SqlHistory
from notify.storage.importing import SqlImports
from notify.storage.journal_lines import SqlJournal
from notify.storage.ledger import SqlLedger
from notify.storage.ledger_audit import SqlLedgerAudit
from notify.storage.letters import SqlLetters
from notify.storage.listeners import Listeners
from notify.storage.notifications import SqlNotifications
from notify.storage.outbound import SqlOutbound
from notify.storage.pinned_cache import PinnedCache
from notify.storage.recipients import SqlRecipients
from notify.storage.restoring import SqlRestoring
from notify.storage.retention import SqlRetention
from notify.storage.sms_budget import SqlSmsBudget
from notify.storage.sms_mirrors import SqlSmsMirrors
from notify.storage.soft_bounces import SqlSoftBounces
from notify.storage.suppressions import SqlSuppressions
from notify.storage.webhook_deliveries import SqlWebhookDeliveries
from notify.storage.webhook_endpoints import SqlWebhookEndpoints


class SqlTransaction:
    """One open transaction."""

    def __init__(
        self, connection: Connection, vault: Vault, pinned: PinnedCache, listeners: Listeners
    ) -> None:
        held = Held()
        self.recipients = SqlRecipients(connection, vault, held)
        self.consents = SqlConsents(connection, vault, held)
        self.imports = SqlImports(connection, self.recipients, self.consents, vault)
        self.ledger = SqlLedger(connection, vault)
        self.audit = SqlLedgerAudit(connection, vault)
        self.history = SqlHistory(connection)
        self.confirmations = SqlConfirmations(connection, vault)
        self.suppressions = SqlSuppressions(connection, vault)
        self.notifications = SqlNotifications(connection, vault, held)
        self.api_keys = SqlApiKeys(connection)
        self.campaigns = SqlCampaigns(connection, vault)
        self.audiences = SqlAudiences(connection)
        self.sms_budget = SqlSmsBudget(connection)
        self.sms_mirrors = SqlSmsMirrors(connection)
        self.events = SqlEvents(connection, vault)
        self.alerts = SqlAlerts(connection)
        self.soft_bounces = SqlSoftBounces(connection)
        self.doubts = SqlDoubts(connection, vault)
        self.journal = SqlJournal(connection)
        self.restoring = SqlRestoring(connection)
        self.retention = SqlRetention(connection, vault)
        self.erasure = SqlErasure(connection, vault)
        self.errands = SqlErrands(connection, vault)
        self.outbound = SqlOutbound(connection, listeners)
        self.webhook_endpoints = SqlWebhookEndpoints(connection, vault, listeners)
        self.webhook_deliveries = SqlWebhookDeliveries(connection)
        self.deliveries = SqlDeliveries(connection, SqlLetters(connection, vault, pinned))


class SqlStore:
    """SQLite or PostgreSQL; contact data goes through the vault on its way in and out."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._at_once = (
            engine.execution_options(isolation_level="AUTOCOMMIT")
            if engine.dialect.name == "postgresql"
            else None
        )
        self._vault = vault
        self._pinned = PinnedCache()
        self._listeners = Listeners()

    @contextmanager
    def write(self) -> Iterator[SqlTransaction]:
        """Open a transaction that commits at the end."""
        with transaction(self._engine, write=True) as connection:
            yield SqlTransaction(connection, self._vault, self._pinned, self._listeners)

    def opt_out_at_once(self, claim: OptOutClaim, entry: LedgerEntry, undo: UndoDraft) -> OptedOut | None:
        """Do all of an ordinary opt-out in one statement that commits by itself, in PostgreSQL."""
        if self._at_once is None:
            return None
        with transaction(self._at_once, write=True) as connection:
            return SqlConsents(connection, self._vault).opt_out_at_once(claim, entry, undo)

    @contextmanager
    def read(self) -> Iterator[SqlTransaction]:
        """Open a transaction that only reads."""
        with transaction(self._engine, write=False) as connection:
            yield SqlTransaction(connection, self._vault, self._pinned, self._listeners)
