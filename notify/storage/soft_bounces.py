"""Soft bounces that are counted, in their table."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Select, bindparam, delete, select

from notify.domain.catalogue import Channel
from notify.domain.soft_bounces import CountedBounce
from notify.storage.person_tables import SoftBounce
from notify.storage.prepared import Prepared, among
from notify.storage.upserts import upsert_into


def _of(dialect: str) -> Select[Any]:
    columns: list[Any] = [SoftBounce.message_id, SoftBounce.address_hash, SoftBounce.at]
    return select(*columns).where(
        among(dialect, SoftBounce.address_hash, "hashes"), SoftBounce.channel == bindparam("channel")
    )


_OF: Final = Prepared(_of)


class SqlSoftBounces:
    """Reads and writes `soft_bounces`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, channel: Channel, hashes: Collection[bytes]) -> list[CountedBounce]:
        """Return what is counted for these addresses: nearly always nothing."""
        if not hashes:
            return []
        rows = _OF.rows(self._connection, {"hashes": list(hashes), "channel": channel.value})
        return [CountedBounce(number, bytes(address_hash), at) for number, address_hash, at in rows]

    def add(self, channel: Channel, bounces: Sequence[CountedBounce]) -> None:
        """Count bounces; each message once."""
        if not bounces:
            return
        self._connection.execute(
            upsert_into(self._connection, SoftBounce).on_conflict_do_nothing(index_elements=["message_id"]),
            [
                {
                    "message_id": one.message_id,
                    "address_hash": one.address_hash,
                    "channel": channel,
                    "at": one.at,
                }
                for one in sorted(bounces, key=lambda one: one.message_id)
            ],
        )

    def drop(self, message_ids: Collection[int]) -> None:
        """Count these messages no more."""
        if message_ids:
            self._connection.execute(delete(SoftBounce).where(SoftBounce.message_id.in_(message_ids)))

    def drop_before(self, at: datetime) -> int:
        """Forget what bounced before `at`."""
        return self._connection.execute(delete(SoftBounce).where(SoftBounce.at < at)).rowcount
