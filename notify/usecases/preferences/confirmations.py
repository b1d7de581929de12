"""Ask a person to confirm, through their own address, what was asked for in their name."""

import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from notify.domain.addresses import masked
from notify.domain.bars import bar_on
from notify.domain.catalogue import CONFIRMATIONS, Channel
from notify.domain.confirmations import (
    ASK_AGAIN_AFTER,
    LASTS,
    MESSAGE_LASTS,
    MOST_A_DAY,
    TEMPLATES,
    Confirmation,
    Kind,
    LinkSent,
    Wanted,
)
from notify.domain.consent import Basis
from notify.domain.delivery import StoredRecipient
from notify.domain.digests import digest_of
from notify.domain.eligibility import Policy
from notify.domain.errors import NotFoundError, TooManyRequestsError, UnreachableError
from notify.domain.own_messages import OwnMessage
from notify.domain.requests import Lane
from notify.domain.sending import Senders
from notify.ports import Clock, Telemetry, WakeUps
from notify.store import Store, Transaction
from notify.usecases.preferences.recording_choices import addresses_on

_DAY: Final = timedelta(days=1)
_LETTERS: Final = string.ascii_letters + string.digits
"""Some phones leave punctuation at the end of a link out of it, such as "-" and "_"."""

_TOKEN_LENGTH: Final = 16
"""95 random bits: short in an SMS, and no guess is worth its while."""


@dataclass(frozen=True, slots=True)
class Posted:
    """A message that asks to confirm, stored and not announced to a worker yet."""

    asked: LinkSent
    dispatch_ids: Sequence[int]


class Confirmations:
    """Writes to a person's own address, and to no other, with a link that is good once.

    It goes through the one door. Whoever stopped everything gets it all the same, for they have just asked
    for it; a bounced, disowned or STOPped address does not, nor who left the topic `confirmations` itself.
    """

    def __init__(
        self,
        *,
        store: Store,
        policy: Policy,
        senders: Senders,
        wake_ups: WakeUps,
        telemetry: Telemetry,
        clock: Clock,
    ) -> None:
        self._store = store
        self._policy = policy
        self._senders = senders
        self._wake_ups = wake_ups
        self._telemetry = telemetry
        self._clock = clock

    def ask(
        self,
        recipient: int,
        kind: Kind,
        locale: str,
        *,
        message_id: int | None = None,
        channel: Channel | None = None,
    ) -> LinkSent:
        """Send the link, in that language, by `channel`, else by e-mail, else by SMS; say where it went.

        `message_id`: the message whose link led here. NotFoundError when the recipient is gone;
        UnreachableError where no address may be written to; TooManyRequestsError.
        """
        with self._store.write() as tx:
            tx.consents.lock_out_gates([recipient], ())  # so that two requests at a time are counted
            tx.recipients.keep_from_erasure([recipient])
            found = tx.recipients.by_numbers([recipient]).get(recipient)
            if found is None:
                raise NotFoundError("the recipient is gone")
            posted = self.ask_within(tx, found, kind, locale, message_id=message_id, channel=channel)
        self.ring([posted])
        return posted.asked

    def ask_within(
        self,
        tx: Transaction,
        recipient: StoredRecipient,
        kind: Kind,
        locale: str | None,
        *,
        message_id: int | None = None,
        channel: Channel | None = None,
        wanted: Wanted | None = None,
    ) -> Posted:
        """Do the same in the caller's transaction, which holds the gates off; `ring` it after the commit.

        `wanted` goes with `Kind.SUBSCRIBE`, and with the channel that is subscribed to. UnreachableError also
        where a suppression bars the address from it.
        """
        now = self._clock()
        by, basis = self._way(tx, recipient, channel)
        if wanted:
            self._refuse_barred(tx, recipient, by, wanted)
        self._limit(tx, recipient.id, kind, by, now)
        locale = locale or recipient.profile.language
        token = "".join(secrets.choice(_LETTERS) for _ in range(_TOKEN_LENGTH))
        data = self._told(by, token, locale, wanted)
        asking = OwnMessage(TEMPLATES[kind], data, by, locale, Lane.URGENT, now, now + MESSAGE_LASTS)
        (stored,) = tx.notifications.add([asking.draft(recipient, basis)])
        tx.confirmations.add(
            Confirmation(
                digest=digest_of(token),
                recipient_id=recipient.id,
                kind=kind,
                channel=by,
                address_hash=recipient.hashes[by],
                locale=locale,
                message_id=stored.message_ids[0],
                created_at=now,
                expires_at=now + LASTS[kind],
                asked_from=message_id,
                wanted=wanted,
            )
        )
        return Posted(LinkSent(by, masked(by, recipient.profile.address(by) or "")), stored.dispatch_ids)

    def _told(self, by: Channel, token: str, locale: str, wanted: Wanted | None) -> dict[str, Any]:
        """Return what the message says."""
        told: dict[str, Any] = {"confirm_url": self._senders.confirm_url(by, token)}
        if wanted:
            topics = map(self._policy.catalogue.numbered, wanted.topics)
            told["topics"] = [topic.title[locale] for topic in topics if topic]
        return told

    def ring(self, posted: Sequence[Posted]) -> None:
        """Wake a worker for messages whose transaction is committed."""
        for one in posted:
            self._wake_ups.ring(Lane.URGENT, one.dispatch_ids)
            self._telemetry.accepted(CONFIRMATIONS.name, one.asked.channel)

    def _way(
        self, tx: Transaction, recipient: StoredRecipient, wanted: Channel | None
    ) -> tuple[Channel, Basis]:
        """Return the channel that may be used, and on what basis."""
        channels = [wanted] if wanted else list(Channel)
        keys = [(recipient, CONFIRMATIONS.number, channel) for channel in channels]
        for channel, standing in zip(channels, tx.consents.standings(keys), strict=True):
            country = recipient.profile.phone_country
            found = self._policy.verdict(CONFIRMATIONS.number, channel, country, standing)
            if isinstance(found, Basis):
                return channel, found
        raise UnreachableError("the person has no address that may be written to")

    def _refuse_barred(
        self, tx: Transaction, recipient: StoredRecipient, by: Channel, wanted: Wanted
    ) -> None:
        """Refuse to ask whether somebody wants what could not come; after a pause it can."""
        bars = tx.suppressions.of(by, addresses_on(recipient, by))
        topics = [self._policy.catalogue.numbered(number) for number in wanted.topics]
        if any(topic and bar_on(topic, bars) for topic in topics):
            raise UnreachableError("the address is barred from what is to be confirmed")

    def _limit(self, tx: Transaction, recipient_id: int, kind: Kind, channel: Channel, now: datetime) -> None:
        asked = tx.confirmations.asked_since(recipient_id, now - _DAY)
        times = sorted(at for _, _, at in asked)
        latest = max((at for one, by, at in asked if (one, by) == (kind, channel)), default=None)
        again_at = latest + ASK_AGAIN_AFTER if latest else now
        if len(times) >= MOST_A_DAY:
            again_at = max(again_at, times[-MOST_A_DAY] + _DAY)
        if again_at > now:
            raise TooManyRequestsError(again_at - now)
