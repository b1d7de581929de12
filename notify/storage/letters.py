"""What a claimed dispatch holds: its messages, with all that is needed to decide on and write them."""

import json
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, case, select

from notify.domain.campaigns import NOBODY
from notify.domain.catalogue import Channel
from notify.domain.delivery import CampaignErrand, Letter, NotificationErrand
from notify.domain.errors import VaultError
from notify.domain.requests import Routing
from notify.domain.status import Status
from notify.ports import Vault
from notify.storage.campaign_tables import Campaign
from notify.storage.notifications import DATA_FIELD
from notify.storage.pinned_cache import PinnedCache
from notify.storage.prepared import Prepared
from notify.storage.recipients import SEALED
from notify.storage.standing_columns import ADDRESS_HASH, STANDING, messages_and_standings, standing_of
from notify.storage.tables import Message, Notification, Recipient

TO_FIELD: Final = "messages.to"

FORGOTTEN: Final = b""
"""What `messages.to_sealed` holds once the address is deleted: not NULL, which would make it a reader's."""

Found = tuple[list[Letter], list[tuple[int, datetime | None]]]
"""The open messages of a dispatch, and those that cannot be decrypted, each with its expiry."""

_SEALED_ADDRESS: Final = case(
    (Message.channel == Channel.EMAIL, Recipient.email_sealed), else_=Recipient.phone_sealed
)
_ADDRESS_FIELDS: Final = {Channel.EMAIL: SEALED["email"], Channel.SMS: SEALED["phone"]}
_OPEN: Final = (
    Message.dispatch_id.in_(bindparam("dispatches", expanding=True)),
    Message.status == Status.QUEUED,
)
_OF_NOTIFICATIONS: Final = (
    select(
        Message.id,
        Message.dispatch_id,
        Message.recipient_id,
        Message.channel,
        Message.topic,
        Message.locale,
        Recipient.id.label("present"),
        Recipient.name_sealed,
        Recipient.timezone,
        Recipient.effective_country.label("country"),
        Recipient.phone_country,
        _SEALED_ADDRESS.label("address_sealed"),
        ADDRESS_HASH.label("address_hash"),
        Notification.id.label("notification_id"),
        Notification.template,
        Notification.data_sealed,
        Notification.channels,
        Notification.routing,
        Notification.test,
        Notification.expires_at,
        *STANDING,
    )
    .select_from(messages_and_standings())
    .join(Notification, Notification.id == Message.notification_id)
    .where(*_OPEN)
    .order_by(Message.id)
)
_OF_CAMPAIGN: Final = (
    select(
        Message.id,
        Message.recipient_id,
        Message.locale,
        Message.to_sealed,
        _SEALED_ADDRESS,
        ADDRESS_HASH,
        Recipient.phone_country,
    )
    .select_from(Message.__table__.outerjoin(Recipient.__table__, Recipient.id == Message.recipient_id))
    .where(Message.dispatch_id == bindparam("dispatch"), Message.status == Status.QUEUED)
    .order_by(Message.id)
)
_NAME: Final = (Recipient.name_sealed,)
_PERSON: Final = (*_NAME, Recipient.attributes, Recipient.timezone, Recipient.effective_country)
_TO_ANYBODY: Final = Prepared(lambda _: _OF_CAMPAIGN)
_BY_NAME: Final = Prepared(lambda _: _OF_CAMPAIGN.add_columns(*_NAME))
_IN_PERSON: Final = Prepared(lambda _: _OF_CAMPAIGN.add_columns(*_PERSON))
"""What is read of people grows with what a newsletter says of them: a million times it counts."""

_CAMPAIGN: Final = Prepared(
    lambda _: select(Campaign.started_at, Campaign.test, Campaign.topic, Campaign.expires_at).where(
        Campaign.id == bindparam("campaign")
    )
)


class SqlLetters:
    """Reads letters."""

    def __init__(self, connection: Connection, vault: Vault, pinned: PinnedCache) -> None:
        self._connection = connection
        self._vault = vault
        self._pinned = pinned

    def of_notifications(self, dispatch_ids: Collection[int]) -> dict[int, Found]:
        """Return the open messages of each dispatch, and those that cannot be decrypted."""
        found: dict[int, Found] = {}
        if not dispatch_ids:
            return found
        for row in self._connection.execute(_OF_NOTIFICATIONS, {"dispatches": list(dispatch_ids)}).all():
            if row.present is None:  # erased just now
                continue
            letters, unreadable = found.setdefault(row.dispatch_id, ([], []))
            try:
                letters.append(self._of_notification(row))
            except VaultError:
                unreadable.append((row.id, row.expires_at))
        return found

    def of_campaign(self, dispatch_id: int, campaign_id: int, channel: Channel) -> Found:
        """Return the open messages of one campaign's dispatch, and those that cannot be decrypted."""
        ((started_at, test, topic, expires_at),) = _CAMPAIGN.rows(self._connection, {"campaign": campaign_id})
        pinned = self._pinned.get(self._connection, campaign_id, started=started_at is not None)
        errand = CampaignErrand(campaign_id, pinned, test, expires_at)
        query = _BY_NAME if pinned.uses_name else _TO_ANYBODY
        if pinned.individual or pinned.attributes or channel is Channel.SMS:
            query = _IN_PERSON
        letters: list[Letter] = []
        unreadable: list[tuple[int, datetime | None]] = []
        rows = query.rows(self._connection, {"dispatch": dispatch_id})
        if rows and rows[0][1] == NOBODY:  # a test is for looking at, whenever that is
            errand = replace(errand, expires_at=None)
        for row in rows:
            number, recipient, locale, to_sealed, sealed, address_hash, phone_country, *person = row
            try:
                letter = Letter(
                    number,
                    recipient,
                    channel,
                    topic,
                    locale,
                    self._address(channel, to_sealed, sealed),
                    address_hash,
                    None,
                    errand,
                    phone_country=phone_country,
                )
                if person:
                    self._introduce(letter, *person)
            except VaultError:
                unreadable.append((number, errand.expires_at))
            else:
                letters.append(letter)
        return letters, unreadable

    def _of_notification(self, row: Any) -> Letter:  # noqa: ANN401 - of `_OF_NOTIFICATIONS`
        channel = Channel(row.channel)
        errand = NotificationErrand(
            row.notification_id,
            row.template,
            json.loads(self._vault.open(DATA_FIELD, row.data_sealed)),
            tuple(Channel(name) for name in row.channels),
            Routing(row.routing),
            row.test,
            row.expires_at,
        )
        return Letter(
            row.id,
            row.recipient_id,
            channel,
            row.topic,
            row.locale,
            self._address(channel, None, row.address_sealed),
            row.address_hash,
            self._name(row.name_sealed),
            errand,
            timezone=row.timezone,
            country=row.country,
            phone_country=row.phone_country,
            standing=standing_of(row.address_hash, row[-len(STANDING) :]),
        )

    def _introduce(
        self,
        letter: Letter,
        name_sealed: bytes | None,
        attributes: dict[str, Any] | None = None,
        timezone: str | None = None,
        country: str | None = None,
    ) -> None:
        """Add what is only read where a newsletter says it."""
        letter.name = self._name(name_sealed)
        letter.attributes = attributes or {}
        letter.timezone = timezone
        letter.country = country

    def _address(self, channel: Channel, to_sealed: bytes | None, sealed: bytes | None) -> str | None:
        if to_sealed:
            return self._vault.open(TO_FIELD, to_sealed)
        return self._vault.open(_ADDRESS_FIELDS[channel], sealed) if sealed else None

    def _name(self, sealed: bytes | None) -> str | None:
        return self._vault.open(SEALED["name"], sealed) if sealed else None
