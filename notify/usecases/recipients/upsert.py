"""Create and change recipients."""

from notify.domain.errors import InvalidRequestError
from notify.domain.requests import RecipientInput
from notify.domain.timing import recipient_problems
from notify.domain.views import RecipientView
from notify.ports import Clock, Contacts
from notify.store import Store
from notify.store.lookups import Lookups
from notify.usecases.preferences.recording_choices import record_acceptances
from notify.usecases.recipients.reading_addresses import needs_country, read_addresses


class UpsertRecipient:
    """Merges what is given of a recipient into the stored profile."""

    def __init__(self, store: Store, contacts: Contacts, lookups: Lookups, clock: Clock) -> None:
        self._store = store
        self._contacts = contacts
        self._lookups = lookups
        self._clock = clock

    def __call__(self, given: RecipientInput) -> RecipientView:
        """Merge; InvalidRequestError for a bad address (pointers are relative to the recipient)."""
        now = self._clock()
        patch, phone_country, wrong = read_addresses(
            self._contacts, given.profile, stored_country=self._country(given)
        )
        problems = [*recipient_problems(given, now), *wrong]
        if problems:
            raise InvalidRequestError(problems)
        with self._store.write() as tx:
            recipient = tx.recipients.upsert({given.id: (patch, phone_country)}, now)[given.id]
            record_acceptances(tx, [(recipient, given.consent)], now)
        return self._lookups.recipient(given.id)

    def _country(self, given: RecipientInput) -> str | None:
        if not needs_country(given.profile):
            return None
        with self._store.read() as tx:
            return tx.recipients.countries([given.id]).get(given.id)
