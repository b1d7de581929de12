"""Choose the language of messages."""

from notify.domain.errors import InvalidTokenError
from notify.usecases.centre.visit import Visit


def speak(visit: Visit, locale: str) -> None:
    """Write to the person in `locale` from now on. InvalidTokenError if they are gone by now."""
    who = visit.recipient.external_id
    current = visit.tx.recipients.by_external_id(who, lock=True)
    if current is None or current.id != visit.recipient.id:
        raise InvalidTokenError("the recipient is gone")
    visit.tx.recipients.upsert({who: ({"locale": locale}, None)}, visit.occasion.at)
