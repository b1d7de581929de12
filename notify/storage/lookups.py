"""Everything a caller can read, straight from the rows."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, Select, select

from notify.domain import ids, proofs
from notify.domain.catalogue import Catalogue, Channel
from notify.domain.confirmations import pending_in
from notify.domain.consent import comes, subscription
from notify.domain.delivery import StoredRecipient
from notify.domain.errors import NotFoundError
from notify.domain.ledger import SHOP
from notify.domain.packed_json import PackedJson
from notify.domain.times import rfc3339, rfc3339_or_none
from notify.domain.views import (
    ConsentView,
    MessageView,
    NotificationView,
    Page,
    PreferenceView,
    RecipientView,
)
from notify.ports import Clock, Vault
from notify.storage import cursors
from notify.storage.address_hashes import hash_address
from notify.storage.campaign_messages import messages_of, newest_with_status
from notify.storage.confirmations import SqlConfirmations
from notify.storage.consent_tables import ConsentRecord, Preference
from notify.storage.consents import PROOF_FIELD, SqlConsents
from notify.storage.engine import read_one_snapshot, transaction
from notify.storage.exporting import PROOFS_OF, Export
from notify.storage.paging import newest_first
from notify.storage.reading_messages import (
    MessageReader,
    message_rows,
    notification_rows,
    notification_views,
)
from notify.storage.recipients import SqlRecipients
from notify.storage.statuses import effective_status
from notify.storage.tables import Message, Notification, Recipient


class SqlLookups:
    """Implements `store.lookups.Lookups`."""

    def __init__(self, engine: Engine, vault: Vault, catalogue: Catalogue, clock: Clock) -> None:
        self._engine = engine
        self._vault = vault
        self._catalogue = catalogue
        self._clock = clock

    def notification(self, notification_id: str) -> NotificationView:
        """Return one notification."""
        number = ids.number_of(ids.NOTIFICATION, notification_id)
        now = self._clock()
        with transaction(self._engine, write=False) as connection:
            rows = connection.execute(notification_rows(now, None).where(Notification.id == number)).all()
            if not rows:
                raise NotFoundError("no notification of that id")
            return notification_views(connection, rows, now)[0]

    def notifications(
        self,
        *,
        reference: str | None = None,
        recipient_id: str | None = None,
        status: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page:
        """Return notifications, newest first."""
        now = self._clock()
        query = notification_rows(now, status)
        if reference is not None:
            query = query.where(Notification.reference == reference)
        if recipient_id is not None:
            query = query.where(Recipient.external_id == recipient_id)
        with transaction(self._engine, write=False) as connection:
            return _page(
                connection,
                query,
                Notification.id,
                cursor,
                limit=limit,
                views=lambda rows: notification_views(connection, rows, now),
                sparse=status is not None and reference is None and recipient_id is None,
            )

    def message(self, message_id: str, locale: str) -> MessageView:
        """Return one message."""
        number = ids.number_of(ids.MESSAGE, message_id)
        with transaction(self._engine, write=False) as connection:
            rows = connection.execute(message_rows(self._clock()).where(Message.id == number)).all()
            if not rows:
                raise NotFoundError("no message of that id")
            return MessageReader(connection, self._vault, self._catalogue).views(rows, locale)[0]

    def messages(
        self,
        *,
        recipient_id: str | None = None,
        campaign_id: str | None = None,
        status: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
        locale: str = "en",
    ) -> Page:
        """Return messages, newest first."""
        now = self._clock()
        query = message_rows(now)
        if recipient_id is not None:
            query = query.where(Recipient.external_id == recipient_id)
        with transaction(self._engine, write=False) as connection:
            if campaign_id is not None:
                number = _campaign_number(campaign_id)
                mine = messages_of(connection, number)
                query = query.where(mine)
            if campaign_id is not None and recipient_id is None and status is not None:
                before = cursors.decode(Message.__tablename__, cursor)
                newest = newest_with_status(mine, number, status, before=before, limit=limit + 1, now=now)
                query = query.where(Message.id.in_(newest))
            elif status is not None:
                query = query.where(effective_status(now) == status)
            reader = MessageReader(connection, self._vault, self._catalogue)
            return _page(
                connection,
                query,
                Message.id,
                cursor,
                limit=limit,
                views=lambda rows: reader.views(rows, locale),
                sparse=status is not None and campaign_id is None and recipient_id is None,
            )

    def recipient(self, recipient_id: str) -> RecipientView:
        """Return one profile."""
        with transaction(self._engine, write=False) as connection:
            return self._recipient_view(connection, recipient_id)

    def recipients_at(self, channel: Channel, address: str) -> list[RecipientView]:
        """Return the profiles with an address."""
        column = Recipient.email_hash if channel is Channel.EMAIL else Recipient.phone_hash
        wanted = column == hash_address(self._vault, channel, address)
        with transaction(self._engine, write=False) as connection:
            return self._recipient_views(connection, wanted)

    def preferences(self, recipient_id: str) -> list[PreferenceView]:
        """Return every topic × channel as it stands."""
        with transaction(self._engine, write=False) as connection:
            return self._preferences(connection, self._stored(connection, recipient_id))

    def consents(self, recipient_id: str, *, cursor: str | None = None, limit: int = 50) -> Page:
        """Return the ledger of one person, oldest first."""
        with transaction(self._engine, write=False) as connection:
            recipient = self._stored(connection, recipient_id)
            after = cursors.decode("consents", cursor) or 0
            rows = connection.execute(
                self._ledger(recipient.id).where(ConsentRecord.id > after).limit(limit + 1)
            ).all()
            more = len(rows) > limit
            items = [self._consent_view(row) for row in rows[:limit]]
            return {
                "items": items,
                "next_cursor": cursors.encode("consents", rows[limit - 1].id) if more else None,
            }

    def export(self, recipient_id: str, *, indent: int | None = None) -> PackedJson:
        """Return all that is held on a person at one moment (GDPR art. 15 and 20)."""
        now = self._clock()
        told = PackedJson(indent)
        with transaction(self._engine, write=False) as connection:
            read_one_snapshot(connection)
            recipient = self._stored(connection, recipient_id)
            parts = Export(connection, self._vault, self._catalogue, self._consent_view, recipient)
            told.add("exported_at", rfc3339(now))
            told.add("recipient", self._recipient_view(connection, recipient_id))
            told.add_list("preferences", self._preferences(connection, recipient))
            told.add_list("consents", parts.consents(self._ledger(recipient.id)))
            told.add_list("suppressions", parts.suppressions())
            told.add_list("opted_out_addresses", parts.opted_out_addresses())
            told.add_list("confirmations", parts.confirmations())
            told.add_list("undos", parts.undos())
            told.add_list("notifications", parts.notifications(now))
            told.add_list("messages", parts.messages(now))
            told.add_list("sms_mirrors", parts.sms_mirrors())
        told.close()
        return told

    def _stored(self, connection: Connection, recipient_id: str) -> StoredRecipient:
        recipient = SqlRecipients(connection, self._vault).by_external_id(recipient_id)
        if recipient is None:
            raise NotFoundError("no recipient of that id")
        return recipient

    def _recipient_view(self, connection: Connection, recipient_id: str) -> RecipientView:
        views = self._recipient_views(connection, Recipient.external_id == recipient_id)
        if not views:
            raise NotFoundError("no recipient of that id")
        return views[0]

    def _recipient_views(self, connection: Connection, wanted: ColumnElement[bool]) -> list[RecipientView]:
        rows = connection.execute(select(Recipient.__table__).where(wanted).order_by(Recipient.id).limit(200))
        opened = SqlRecipients(connection, self._vault)
        views: list[RecipientView] = []
        for row in rows:
            profile = opened.translate(row).profile
            views.append(
                {
                    "id": row.external_id,
                    "email": profile.email,
                    "phone": profile.phone,
                    "name": profile.name,
                    "locale": profile.locale,
                    "country": profile.country,
                    "timezone": profile.timezone,
                    "customer_since": profile.customer_since.isoformat() if profile.customer_since else None,
                    "attributes": dict(profile.attributes),
                    "created_at": rfc3339(row.created_at),
                    "updated_at": rfc3339(row.updated_at),
                }
            )
        return views

    def _preferences(self, connection: Connection, recipient: StoredRecipient) -> list[PreferenceView]:
        keys = [(topic, channel) for topic in self._catalogue for channel in Channel]
        standings = SqlConsents(connection, self._vault).standings(
            [(recipient, topic.number, channel) for topic, channel in keys]
        )
        changed = {
            (row.topic, row.channel): row.changed_at
            for row in connection.execute(
                select(Preference.__table__).where(Preference.recipient_id == recipient.id)
            )
        }
        pending = pending_in(SqlConfirmations(connection, self._vault).waiting([recipient.id], self._clock()))
        return [
            {
                "topic": topic.name,
                "channel": channel,
                "purpose": topic.purpose,
                "subscribed": comes(topic, standing),
                "pending": (topic.number, channel) in pending and subscription(topic, standing) is None,
                "changed_at": rfc3339_or_none(changed.get((topic.number, channel))),
            }
            for (topic, channel), standing in zip(keys, standings, strict=True)
        ]

    def _ledger(self, recipient_number: int) -> Select[Any]:
        return PROOFS_OF.where(ConsentRecord.recipient_id == recipient_number)

    def _consent_view(self, row: Row[Any]) -> ConsentView:
        proof = proofs.read(self._vault.open(PROOF_FIELD, row.proof_sealed)) if row.proof_sealed else None
        return {
            "id": ids.public(ids.CONSENT, row.id),
            "at": rfc3339(row.at),
            "topic": self._catalogue.name_of(row.topic) if row.topic else None,
            "channel": row.channel,
            "subscribed": row.subscribed,
            "source": proof.source if proof and row.way == SHOP else row.way,
            "wording": proof.wording if proof else None,
            "locale": row.locale,
            "policy_version": row.policy_version,
            "message_id": ids.public(ids.MESSAGE, row.message_id) if row.message_id else None,
        }


def _campaign_number(campaign_id: str) -> int:
    """Return 0, which no campaign has, for what is no id of ours: its list is empty, not missing."""
    try:
        return ids.number_of(ids.CAMPAIGN, campaign_id)
    except NotFoundError:
        return 0


def _page(
    connection: Connection,
    query: Select[Any],
    number: Any,  # noqa: ANN401 - a mapped column
    cursor: str | None,
    *,
    limit: int,
    views: Callable[[Sequence[Row[Any]]], list[Any]],
    sparse: bool,
) -> Page:
    """Run a query newest first, from the cursor on."""
    rows, following = newest_first(connection, query, number, cursor, limit, sparse=sparse)
    return {"items": views(rows), "next_cursor": following}
