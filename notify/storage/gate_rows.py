"""The messages of a call as things stand at its gate, read in one query, with what is alike told once."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, select

from notify.domain.catalogue import Channel
from notify.domain.consent import OF_POLICY, OF_PREFERENCE, Standing
from notify.domain.delivery import AtGate
from notify.domain.status import Status
from notify.storage.consent_tables import AddressOptOut, Preference
from notify.storage.prepared import Prepared, among
from notify.storage.standing_columns import ADDRESS_HASH, SCOPES, WIDEST, messages_and_standings
from notify.storage.tables import Message, Recipient

_OWN: Final = (
    Message.id,
    ADDRESS_HASH,
    Message.address_hash,
    Message.basis,
    Message.basis_consent_id,
    Preference.consent_id,
    Recipient.policy_consent_id,
)
_SHARED: Final = (
    Message.dispatch_id,
    Message.topic,
    Message.channel,
    Recipient.id.is_not(None),
    Message.to_sealed.is_not(None),
    ADDRESS_HASH.is_not(None),
    Recipient.phone_country,
    Recipient.effective_country,
    Recipient.policy_consent_id.is_not(None),
    Recipient.customer_since,
    Preference.subscribed,
    AddressOptOut.consent_id.is_not(None),
    WIDEST,
)
_READ: Final = Prepared(
    lambda dialect: (
        select(*_OWN, *_SHARED)
        .select_from(messages_and_standings())
        .where(among(dialect, Message.dispatch_id, "dispatches"), Message.status == Status.QUEUED)
    )
)


def read_at_gate(connection: Connection, dispatches: Sequence[int]) -> list[AtGate]:
    """Read the open messages of dispatches, those together of whose recipients the same is known."""
    own = len(_OWN)
    alike: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for row in _READ.rows(connection, {"dispatches": list(dispatches)}):
        alike.setdefault(row[own:], []).append(row[:own])
    return [_together(shared, messages) for shared, messages in alike.items()]


def _together(shared: tuple[Any, ...], messages: Sequence[tuple[Any, ...]]) -> AtGate:
    dispatch, topic, channel, present, unknown, has_address, phone_country, *known = shared
    country, accepted, since, subscribed, left, widest = known
    standing = Standing(
        country=country,
        has_address=has_address,
        subscribed=subscribed,
        preference_consent_id=OF_PREFERENCE,
        address_opted_out=left,
        suppression=SCOPES[widest],
        policy_consent_id=OF_POLICY if accepted else None,
        customer_since=since,
    )
    return AtGate(
        dispatch, topic, Channel(channel), unknown or present, not unknown, phone_country, standing, messages
    )
