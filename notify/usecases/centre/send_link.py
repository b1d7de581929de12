"""The way into the preference centre for who has only an opt-out link: through the address itself."""

from notify.domain.confirmations import Kind, LinkSent
from notify.domain.errors import InvalidTokenError, UnreachableError
from notify.ports import Tokens
from notify.store import Store
from notify.usecases.preferences.confirmations import Confirmations


class SendCentreLink:
    """Sends the centre's link to the address that got the message, if it is still the person's."""

    def __init__(self, store: Store, tokens: Tokens, confirmations: Confirmations) -> None:
        self._store = store
        self._tokens = tokens
        self._confirmations = confirmations

    def __call__(self, token: str, locale: str) -> LinkSent | None:
        """Send it, on the word of an opt-out token; None for the link of a preview, which sends nothing.

        InvalidTokenError, also when the recipient is gone; UnreachableError; TooManyRequestsError.
        """
        claim = self._tokens.read_opt_out(token)
        if claim.preview:
            return None
        with self._store.read() as tx:
            recipient = tx.recipients.by_numbers([claim.recipient]).get(claim.recipient)
            sent = tx.notifications.sent_to(claim.message)
        if recipient is None:
            raise InvalidTokenError("the recipient is gone")
        if sent and sent.address_hash and sent.address_hash != recipient.hashes.get(claim.channel):
            raise UnreachableError("the message went to an address that is not the person's any more")
        return self._confirmations.ask(
            claim.recipient, Kind.CENTRE, locale, message_id=claim.message, channel=claim.channel
        )
