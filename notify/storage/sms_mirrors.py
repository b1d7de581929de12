"""What a provider was last told about numbers and senders."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, select

from notify.domain.sms_mirroring import Mirrored
from notify.storage.person_tables import SmsMirror
from notify.storage.upserts import upsert_into


class SqlSmsMirrors:
    """Reads and writes them; a number stands there by its keyed hash only."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def known(self, hashes: Collection[bytes]) -> dict[tuple[bytes, str], Mirrored]:
        """Return, by number and sender, what the provider knows."""
        if not hashes:
            return {}
        rows = self._connection.execute(
            select(SmsMirror.phone_hash, SmsMirror.sender, SmsMirror.opted_out, SmsMirror.at).where(
                SmsMirror.phone_hash.in_(hashes)
            )
        )
        return {(row.phone_hash, row.sender): Mirrored(*row) for row in rows}

    def note(self, mirrored: Sequence[Mirrored]) -> None:
        """Note what the provider knows now, or is about to be told."""
        rows = [
            {"phone_hash": one.phone_hash, "sender": one.sender, "opted_out": one.opted_out, "at": one.at}
            for one in sorted(mirrored, key=lambda one: (one.phone_hash, one.sender))
        ]
        if rows:
            statement = upsert_into(self._connection, SmsMirror)
            newest = {name: statement.excluded[name] for name in ("opted_out", "at")}
            key = ["phone_hash", "sender"]
            self._connection.execute(statement.on_conflict_do_update(index_elements=key, set_=newest), rows)
