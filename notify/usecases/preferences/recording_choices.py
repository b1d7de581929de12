"""Record what people choose: the preference, the opt-out of the address, and the ledger entry, together."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from notify.domain.catalogue import Channel, Purpose, Topic
from notify.domain.consent import Standing, subscription
from notify.domain.delivery import StoredRecipient
from notify.domain.ledger import Change, LedgerEntry, UndoDraft
from notify.domain.recipients import PolicyAcceptance
from notify.domain.requests import Proof
from notify.store import Transaction


@dataclass(frozen=True, slots=True)
class Occasion:
    """When and how a choice was made, as the ledger tells it."""

    at: datetime
    way: str
    proof: Proof | None = None
    locale: str | None = None
    message_id: int | None = None


def record_changes(
    tx: Transaction,
    recipient_id: int,
    changes: Sequence[Change],
    hashes: Collection[bytes],
    occasion: Occasion,
    *,
    undo: UndoDraft | None = None,
) -> list[int]:
    """Apply changes of one person, whose addresses on the channel are `hashes`; return the ledger's entries.

    An opt-out binds the addresses as well, under whatever recipient id; an opt-in frees them.
    `undo` takes all of them back. The caller holds the gates off (`lock_out_gates`).
    """
    return tx.consents.record(
        [
            LedgerEntry(
                recipient_id=recipient_id,
                at=occasion.at,
                subscribed=change.subscribed,
                way=occasion.way,
                topic=change.topic,
                channel=change.channel,
                locale=occasion.locale,
                message_id=occasion.message_id,
                proof=occasion.proof,
            )
            for change in changes
        ],
        changes,
        hashes,
        undo,
    )


def differs(
    topic: Topic, standing: Standing, *, subscribed: bool, proven: bool = False, pending: bool = False
) -> bool:
    """Whether a choice changes anything that is stored.

    An opt-out does even where nothing came before: no later purchase or acceptance may open the topic again,
    nor an opt-in that is `pending`, waiting to be confirmed. So does an opt-in to marketing that is `proven`
    where messages come by a regime: they then rest on it, whatever becomes of country, purchase or regime.
    """
    if subscribed:
        by_regime = topic.purpose is Purpose.MARKETING and not standing.subscribed
        return subscription(topic, standing) is None or (proven and by_regime)
    bound = standing.address_opted_out or not standing.has_address
    return standing.subscribed is not False or not bound or pending


def record_acceptances(
    tx: Transaction,
    accepted: Sequence[tuple[StoredRecipient, PolicyAcceptance | None]],
    now: datetime,
) -> list[StoredRecipient]:
    """Put acceptances of the privacy policy on the ledger, once for each version; return who is new there.

    It never undoes an opt-out: preferences are not touched.
    """
    given = {(one.id, told.policy_version): (one, told) for one, told in accepted if told}
    if not given:
        return []
    known = tx.consents.accepted_versions({recipient_id for recipient_id, _ in given})
    fresh = [both for key, both in given.items() if key not in known]
    numbers = tx.consents.append(
        [
            LedgerEntry.accepting(told, recipient.id, recipient.profile.locale, now)
            for recipient, told in fresh
        ]
    )
    newest = {recipient.id: number for (recipient, _), number in zip(fresh, numbers, strict=True)}
    if newest:
        tx.recipients.set_policy_consents(newest)
    return [replace(recipient, policy_consent_id=newest[recipient.id]) for recipient, _ in fresh]


def addresses_on(recipient: StoredRecipient, channel: Channel) -> list[bytes]:
    """Return the hash of the recipient's address on a channel, if there is one."""
    value = recipient.hashes.get(channel)
    return [value] if value else []
