"""What a restored database still knows, to be held against the journal."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, select

from notify.storage.consent_tables import AddressOptOut, ErasedAddress, Preference
from notify.storage.tables import Recipient
from notify.storage.upserts import upsert_into


class SqlRestoring:
    """Reads what is there; writes tombstones."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def made_at(self, recipient_ids: Collection[int]) -> dict[int, datetime]:
        """Return since when the recipients that are there are there."""
        query = select(Recipient.id, Recipient.created_at).where(Recipient.id.in_(recipient_ids))
        return {row.id: row.created_at for row in self._connection.execute(query)}

    def preferences(self, recipient_ids: Collection[int]) -> Mapping[tuple[int, int, str], tuple[bool, int]]:
        """Return what was chosen, and by which entry."""
        rows = self._connection.execute(
            select(Preference.__table__).where(Preference.recipient_id.in_(recipient_ids))
        )
        return {(row.recipient_id, row.topic, row.channel): (row.subscribed, row.consent_id) for row in rows}

    def left(self, hashes: Collection[bytes]) -> Collection[tuple[bytes, int, str]]:
        """Return which topics and channels these addresses have left."""
        rows = self._connection.execute(
            select(AddressOptOut.address_hash, AddressOptOut.topic, AddressOptOut.channel).where(
                AddressOptOut.address_hash.in_(hashes)
            )
        )
        return {(value, topic, channel) for value, topic, channel in rows}

    def remember_erased(self, recipient_id: int, hashes: Collection[tuple[str, bytes]]) -> int:
        """Keep the addresses of somebody who was erased."""
        new = 0
        for channel, value in hashes:
            row = {"recipient_id": recipient_id, "channel": channel, "address_hash": value}
            statement = upsert_into(self._connection, ErasedAddress).values(row).on_conflict_do_nothing()
            new += len(self._connection.execute(statement.returning(ErasedAddress.recipient_id)).all())
        return new
