"""What is known about each message's recipient, topic and channel, read beside the message itself."""

from typing import Any, Final

from sqlalchemy import FromClause, and_, case, func, select

from notify.domain.consent import Scope, Standing
from notify.storage.consent_tables import AddressOptOut, Preference, Suppression
from notify.storage.tables import Message, Recipient

ADDRESS_HASH: Final = case(
    (Message.to_sealed.is_not(None), Message.address_hash),
    (Message.channel == "email", Recipient.email_hash),
    else_=Recipient.phone_hash,
)
"""The keyed hash of the address a message would go to now."""

WIDEST: Final = (
    select(func.max(case((Suppression.scope == Scope.ALL, 2), else_=1)))
    .where(Suppression.address_hash == ADDRESS_HASH, Suppression.channel == Message.channel)
    .correlate(Message, Recipient)
    .scalar_subquery()
)
"""How widely the address is barred, by number."""
SCOPES: Final = {None: None, 1: Scope.MARKETING, 2: Scope.ALL}
"""What the numbers stand for."""

STANDING: Final = (
    Recipient.effective_country,
    Recipient.policy_consent_id,
    Recipient.customer_since,
    Preference.subscribed,
    Preference.consent_id,
    AddressOptOut.consent_id,
    WIDEST,
)
"""The columns that `standing_of` takes."""


def messages_and_standings() -> FromClause:
    """Join messages to recipients, preferences and opt-outs; those of nobody we know stay."""
    chosen = and_(
        Preference.recipient_id == Message.recipient_id,
        Preference.topic == Message.topic,
        Preference.channel == Message.channel,
    )
    left = and_(
        AddressOptOut.address_hash == ADDRESS_HASH,
        AddressOptOut.topic == Message.topic,
        AddressOptOut.channel == Message.channel,
    )
    people = Message.__table__.outerjoin(Recipient.__table__, Recipient.id == Message.recipient_id)
    return people.outerjoin(Preference.__table__, chosen).outerjoin(AddressOptOut.__table__, left)


def standing_of(address_hash: bytes | None, known: Any) -> Standing:  # noqa: ANN401 - a row's tail
    """Translate the columns of `STANDING`."""
    country, policy, since, subscribed, preference, left, widest = known
    return Standing(
        country=country,
        has_address=address_hash is not None,
        subscribed=subscribed,
        preference_consent_id=preference,
        address_opted_out=left is not None,
        suppression=SCOPES[widest],
        policy_consent_id=policy,
        customer_since=since,
    )
