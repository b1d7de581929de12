"""All that is held on a person (GDPR art. 15 and 20): every table with anything on them is read here."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, and_, select

from notify.domain import ids, proofs
from notify.domain.campaigns import NOBODY
from notify.domain.catalogue import Catalogue
from notify.domain.confirmations import TEMPLATES
from notify.domain.delivery import StoredRecipient
from notify.domain.requests import Proof
from notify.domain.times import rfc3339, rfc3339_or_none
from notify.ports import Vault
from notify.storage.campaign_tables import Campaign
from notify.storage.confirmations import DETAILS_FIELD, wanted_in
from notify.storage.consent_tables import AddressOptOut, ConsentProof, ConsentRecord, Suppression, UndoToken
from notify.storage.consents import PROOF_FIELD
from notify.storage.letters import FORGOTTEN
from notify.storage.notifications import DATA_FIELD
from notify.storage.outbox import OUTBOX_FIELD
from notify.storage.person_tables import Confirmation, SmsMirror, SoftBounce
from notify.storage.reading_messages import (
    MessageReader,
    message_rows,
    notification_rows,
    notification_views,
)
from notify.storage.tables import Message, Notification, OutboxEntryRow

_AT_ONCE: Final = 500
"""Somebody may have thousands of messages, and a statement takes so many parameters only."""

Part = Mapping[str, Any]


class Export:
    """What is held on one person, part by part."""

    def __init__(
        self,
        connection: Connection,
        vault: Vault,
        catalogue: Catalogue,
        consent_view: Callable[[Row[Any]], Any],
        recipient: StoredRecipient,
    ) -> None:
        self._connection = connection
        self._vault = vault
        self._catalogue = catalogue
        self._consent_view = consent_view
        self._recipient = recipient
        self._hashes = list(recipient.hashes.values())

    def consents(self, ledger: Select[Any]) -> Iterator[Part]:
        """Return the ledger of the person with its proofs, visits included."""
        for row in self._pages(ledger, ConsentRecord.id):
            sealed = row.proof_sealed
            proof = proofs.read(self._vault.open(PROOF_FIELD, sealed)) if sealed else None
            yield {**self._consent_view(row), "proof": _told(proof) if proof else None}

    def suppressions(self) -> list[Part]:
        """Return what bars the person's addresses, pauses among it."""
        query = select(Suppression.__table__).where(Suppression.address_hash.in_(self._hashes))
        return [
            {
                "channel": row.channel,
                "scope": row.scope,
                "reason": row.reason,
                "created_at": rfc3339(row.created_at),
                "until": rfc3339_or_none(row.expires_at),
            }
            for row in self._connection.execute(query.order_by(Suppression.id))
        ]

    def opted_out_addresses(self) -> list[Part]:
        """Return the topics that the person's addresses left, under whatever recipient id."""
        query = select(AddressOptOut.__table__).where(AddressOptOut.address_hash.in_(self._hashes))
        return [
            {
                "topic": self._topic(row.topic),
                "channel": row.channel,
                "opted_out_at": rfc3339(row.opted_out_at),
            }
            for row in self._connection.execute(query.order_by(AddressOptOut.topic, AddressOptOut.channel))
        ]

    def confirmations(self) -> list[Part]:
        """Return what the person was asked to confirm."""
        query = select(Confirmation.__table__).where(Confirmation.recipient_id == self._recipient.id)
        rows = self._connection.execute(query.order_by(Confirmation.created_at, Confirmation.digest))
        return [self._confirmation(row) for row in rows]

    def _confirmation(self, row: Row[Any]) -> Part:
        details = json.loads(self._vault.open(DETAILS_FIELD, row.details_sealed))
        wanted, asked_from = wanted_in(details), details["asked_from"]
        return {
            "kind": row.kind,
            "channel": row.channel,
            "locale": details["locale"],
            "created_at": rfc3339(row.created_at),
            "expires_at": rfc3339(row.expires_at),
            "used_at": rfc3339_or_none(row.used_at),
            "message_id": ids.public(ids.MESSAGE, details["message_id"]),
            "asked_from": ids.public(ids.MESSAGE, asked_from) if asked_from else None,
            "topics": [self._topic(number) for number in wanted.topics] if wanted else [],
            "proof": _told(wanted.proof) if wanted else None,
        }

    def undos(self) -> list[Part]:
        """Return the stops that can still be taken back."""
        query = select(UndoToken.__table__).where(UndoToken.recipient_id == self._recipient.id)
        return [
            {
                "expires_at": rfc3339(row.expires_at),
                "consent_ids": [ids.public(ids.CONSENT, number) for number in row.consent_ids],
            }
            for row in self._connection.execute(query.order_by(UndoToken.expires_at, UndoToken.digest))
        ]

    def notifications(self, status_at: datetime) -> Iterator[Part]:
        """Return what the shop asked to be told to them, with its data where that is still kept."""
        query = notification_rows(status_at, None).where(Notification.recipient_id == self._recipient.id)
        for rows in self._chunks(query, Notification.id):
            views = notification_views(self._connection, rows, status_at)
            for row, view in zip(rows, views, strict=True):
                kept = row.data_sealed != FORGOTTEN
                data = json.loads(self._vault.open(DATA_FIELD, row.data_sealed)) if kept else None
                if data and view["template"] in TEMPLATES.values():
                    data.pop("confirm_url", None)  # it is for the address alone, not for the shop
                yield {**view, "data": data}

    def messages(self, status_at: datetime) -> Iterator[Part]:
        """Return what was or will be sent to them, newsletters and tests included, as far as it is kept."""
        of_tests = and_(Message.recipient_id == NOBODY, Message.address_hash.in_(self._hashes))
        # One after the other: both at once are found anew, all of them, for each chunk.
        for which in (Message.recipient_id == self._recipient.id, of_tests):
            yield from self._messages(message_rows(status_at).where(which))

    def _messages(self, query: Select[Any]) -> Iterator[Part]:
        reader = MessageReader(self._connection, self._vault, self._catalogue)
        for rows in self._chunks(query, Message.id):
            numbers = [row.id for row in rows]
            copies, bounced = self._copies(numbers), self._bounced(numbers)
            names = self._campaigns([row.campaign_id for row in rows if row.campaign_id])
            for row, view in zip(rows, reader.views(rows, self._recipient.profile.language), strict=True):
                yield {
                    **view,
                    "campaign_name": names.get(row.campaign_id),
                    "copy": copies.get(row.id),
                    "soft_bounce_at": bounced.get(row.id),
                }

    def sms_mirrors(self) -> list[Part]:
        """Return what the SMS provider was last told about the person's number."""
        query = select(SmsMirror.__table__).where(SmsMirror.phone_hash.in_(self._hashes))
        return [
            {"sender": row.sender, "opted_out": row.opted_out, "at": rfc3339(row.at)}
            for row in self._connection.execute(query.order_by(SmsMirror.sender))
        ]

    def _copies(self, numbers: Sequence[int]) -> dict[int, Any]:
        """Return the copies in the local outbox."""
        query = select(OutboxEntryRow.message_id, OutboxEntryRow.message_sealed)
        rows = self._connection.execute(query.where(OutboxEntryRow.message_id.in_(numbers)))
        return {number: json.loads(self._vault.open(OUTBOX_FIELD, sealed)) for number, sealed in rows}

    def _bounced(self, numbers: Sequence[int]) -> dict[int, str]:
        query = select(SoftBounce.message_id, SoftBounce.at).where(SoftBounce.message_id.in_(numbers))
        return {number: rfc3339(at) for number, at in self._connection.execute(query)}

    def _campaigns(self, numbers: Sequence[int]) -> dict[int, str]:
        query = select(Campaign.id, Campaign.name).where(Campaign.id.in_(set(numbers)))
        return {row.id: row.name for row in self._connection.execute(query)}

    def _topic(self, number: int) -> str:
        return self._catalogue.name_of(number) or str(number)

    def _pages(self, query: Select[Any], number: Any) -> Iterator[Row[Any]]:  # noqa: ANN401 - a mapped column
        for rows in self._chunks(query, number):
            yield from rows

    def _chunks(self, query: Select[Any], number: Any) -> Iterator[Sequence[Row[Any]]]:  # noqa: ANN401
        """Run a query oldest first, some rows at a time."""
        after = 0
        while rows := self._connection.execute(
            query.where(number > after).order_by(None).order_by(number).limit(_AT_ONCE)
        ).all():
            yield rows
            after = rows[-1].id


def _told(proof: Proof) -> Part:
    return {
        "source": proof.source,
        "wording": proof.wording,
        "ip": proof.ip,
        "user_agent": proof.user_agent,
        "obtained_at": rfc3339_or_none(proof.obtained_at),
        "double_opt_in_at": rfc3339_or_none(proof.double_opt_in_at),
    }


PROOFS_OF: Final = (
    select(ConsentRecord.__table__, ConsentProof.proof_sealed)
    .outerjoin(ConsentProof, ConsentProof.consent_id == ConsentRecord.id)
    .order_by(ConsentRecord.id)
)
"""Entries of the ledger, each with its proof as far as that is kept."""
