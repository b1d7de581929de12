"""The composition root: everything is built here, once for a process, from the settings."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from notify.bootstrap.delivering import Delivering
from notify.domain.errands import SENDGRID_ERASURE, TELL_CANCELLED
from notify.domain.errors import ConfigurationError, NotFoundError
from notify.domain.journal import last_head
from notify.domain.sms_mirroring import TWILIO_CONSENT
from notify.journal import FileJournal, read_lines
from notify.providers.sendgrid_erasure import SendGridErasure
from notify.settings import Settings
from notify.storage.installation import rewrap
from notify.storage.rotation import rotate
from notify.usecases.centre.ending_pauses import EndPauses
from notify.usecases.ledger.export import ExportLedger
from notify.usecases.ledger.follow import Follower, FollowLedger
from notify.usecases.ledger.mail_head import TEMPLATE as LEDGER_HEAD
from notify.usecases.ledger.mail_head import MailLedgerHead
from notify.usecases.ledger.seal import SealLedger
from notify.usecases.ledger.verify import VerifyLedger
from notify.usecases.ledger.watching_bursts import watch_bursts
from notify.usecases.outbound_webhooks.telling_cancelled import TellCancelled
from notify.usecases.outbound_webhooks.telling_preferences import tell_preferences
from notify.usecases.purge import Purge
from notify.usecases.rights.journal import WriteJournal, journal_choices
from notify.usecases.rights.restore_optouts import Restored, RestoreOptOuts
from notify.usecases.rights.retain import Retain
from notify.usecases.run_errands import Handler, RunErrands
from notify.usecases.sms.mirror import MirrorOptOuts, TellOptOuts


class Composition(Delivering):
    """The use cases of one process: those above, and what is done in the background or by an operator."""

    @cached_property
    def end_pauses(self) -> EndPauses:
        """Lift suppressions whose end has come."""
        return EndPauses(self.store, self.catalogue, self._clock)

    @cached_property
    def purge(self) -> Purge:
        """Delete what has served."""
        return Purge(self.store, self._clock)

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


def build(settings: Settings, role: str = "web") -> Composition:
    """Return the composition of a process."""
    return Composition(settings, role)
