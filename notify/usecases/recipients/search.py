"""Find recipients by their address."""

from notify.domain.catalogue import Channel
from notify.domain.views import RecipientView
from notify.ports import Contacts
from notify.store.lookups import Lookups
from notify.usecases.recipients.reading_addresses import read_sought


class SearchRecipients:
    """Looks for everybody who has an address now."""

    def __init__(self, contacts: Contacts, lookups: Lookups) -> None:
        self._contacts = contacts
        self._lookups = lookups

    def __call__(self, channel: Channel, address: str) -> list[RecipientView]:
        """Return them, oldest first; `address` is as people write it. InvalidRequestError."""
        return self._lookups.recipients_at(channel, read_sought(self._contacts, channel, address))
