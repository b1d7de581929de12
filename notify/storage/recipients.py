"""Profiles of recipients, encrypted on the way in and found by keyed hash."""

from collections import namedtuple
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, cast

from sqlalchemy import Connection, Row, Table, bindparam, select, text, update

from notify.domain.catalogue import Channel
from notify.domain.delivery import StoredRecipient
from notify.domain.errors import ConflictError
from notify.domain.recipients import Profile, ProfilePatch, merged
from notify.ports import Vault
from notify.storage.accepting import INSERT_RECIPIENTS
from notify.storage.address_hashes import hash_address
from notify.storage.consent_tables import ErasedAddress
from notify.storage.copying import Columns, update_rows
from notify.storage.held import Held
from notify.storage.json_rows import to_json
from notify.storage.moving_pauses import move_pauses
from notify.storage.prepared import Prepared, among
from notify.storage.tables import Recipient
from notify.storage.upserts import upsert_into

_TABLE: Final = cast("Table", Recipient.__table__)
_LOCKED: Final = Prepared(
    lambda dialect: (
        select(_TABLE)
        .where(among(dialect, _TABLE.c.external_id, "ids"))
        .order_by(_TABLE.c.external_id)
        .with_for_update(key_share=True)
    )  # FOR NO KEY UPDATE: messages may be added to them meanwhile
)
_BY_NUMBERS: Final = Prepared(lambda dialect: select(_TABLE).where(among(dialect, _TABLE.c.id, "numbers")))
_Row: Final = namedtuple("_Row", [column.name for column in _TABLE.c])  # type: ignore[misc]  # noqa: PYI024
STORED: Final = Columns(
    "recipients",
    {
        "id": "int8", "email_sealed": "bytea", "email_hash": "bytea", "phone_sealed": "bytea",
        "phone_hash": "bytea", "phone_country": "varchar", "name_sealed": "bytea", "locale": "varchar",
        "country": "varchar", "effective_country": "varchar", "timezone": "varchar",
        "customer_since": "date", "attributes": "jsonb", "updated_at": "timestamptz",
    },
)  # fmt: skip
"""The columns of a profile, and the number of its row."""
_MANY: Final = 50
_SET_POLICY_CONSENTS: Final = text(
    "UPDATE recipients SET policy_consent_id = given.entry"
    " FROM unnest(CAST(:number AS int8[]), CAST(:entry AS int8[])) AS given(number, entry)"
    " WHERE recipients.id = given.number"
)
SEALED: Final = {"email": "recipients.email", "phone": "recipients.phone", "name": "recipients.name"}
SEALED_ADDRESSES: Final = {Channel.EMAIL: SEALED["email"], Channel.SMS: SEALED["phone"]}
_HASHED: Final = {"email": Channel.EMAIL, "phone": Channel.SMS}
_PLAIN: Final = ("locale", "country", "phone_country", "timezone", "customer_since")


def recipient_row(values: tuple[Any, ...]) -> Row[Any]:
    """Give a plain row of the table its columns' names, as SQLAlchemy's own rows have them."""
    return cast("Row[Any]", _Row._make(values))


class SqlRecipients:
    """Reads and writes recipients."""

    def __init__(self, connection: Connection, vault: Vault, held: Held | None = None) -> None:
        """`held` are rows that others of the same transaction have locked already."""
        self._connection = connection
        self._vault = vault
        self._held = held or Held()

    def upsert(
        self, given: Mapping[str, tuple[ProfilePatch, str | None]], now: datetime
    ) -> dict[str, StoredRecipient]:
        """Merge patches; sorted by id, so that two batches cannot deadlock.

        ConflictError if one of several was made meanwhile: to wait for it while holding the others could.
        """
        ids = sorted(given)
        stored = self._locked(ids)
        missing = [external_id for external_id in ids if external_id not in stored]
        inserted: dict[str, StoredRecipient] = {}
        if missing:
            inserted = self._inserted({one: merged(Profile(), *given[one]) for one in missing}, now)
            late = [one for one in missing if one not in inserted]
            if late and len(ids) > 1:
                raise ConflictError("somebody else made one of them meanwhile")
            stored |= inserted | self._locked(late)
        merges = {one: merged(stored[one].profile, *given[one]) for one in ids if one not in inserted}
        changed = {one: profile for one, profile in merges.items() if profile != stored[one].profile}
        return stored | self._changed({one: (stored[one], profile) for one, profile in changed.items()}, now)

    def by_external_id(self, external_id: str, *, lock: bool = False) -> StoredRecipient | None:
        """Find one by the shop's id."""
        query = select(_TABLE).where(_TABLE.c.external_id == external_id)
        row = self._connection.execute(query.with_for_update() if lock else query).first()
        return self.translate(row) if row else None

    def countries(self, external_ids: Collection[str]) -> dict[str, str]:
        """Return the stored country of those that have one."""
        rows = self._connection.execute(
            select(Recipient.external_id, Recipient.country).where(
                Recipient.external_id.in_(external_ids), Recipient.country.is_not(None)
            )
        )
        return {external_id: country for external_id, country in rows if country}

    def by_numbers(self, numbers: Collection[int]) -> dict[int, StoredRecipient]:
        """Find those that are not gone."""
        rows = _BY_NUMBERS.rows(self._connection, {"numbers": list(numbers)})
        return {row.id: self.translate(row) for row in map(recipient_row, rows)}

    def having(self, channel: Channel, hashes: Collection[bytes]) -> list[StoredRecipient]:
        """Find those who have one of these addresses now, oldest first."""
        column = _TABLE.c.email_hash if channel is Channel.EMAIL else _TABLE.c.phone_hash
        rows = self._connection.execute(select(_TABLE).where(column.in_(hashes)).order_by(_TABLE.c.id))
        return [self.translate(row) for row in rows]

    def keep_from_erasure(self, numbers: Collection[int]) -> None:
        """Lock recipients so that they are not erased before commit; others may still change them."""
        query = select(_TABLE.c.id).where(_TABLE.c.id.in_(numbers)).order_by(_TABLE.c.id)
        self._connection.execute(query.with_for_update(read=True, key_share=True)).all()

    def set_policy_consents(self, consent_ids: Mapping[int, int]) -> None:
        """Remember the ledger entry of each recipient's acceptance of the policy."""
        if self._connection.dialect.name == "postgresql":
            both = {"number": sorted(consent_ids), "entry": [consent_ids[one] for one in sorted(consent_ids)]}
            self._connection.execute(_SET_POLICY_CONSENTS, both)
            return
        self._connection.execute(
            update(_TABLE)
            .where(_TABLE.c.id == bindparam("number"))
            .values(policy_consent_id=bindparam("entry")),
            [{"number": number, "entry": entry} for number, entry in sorted(consent_ids.items())],
        )

    def erased_hashes(self, recipient_id: int, channel: Channel) -> list[bytes]:
        """Return the address hashes an erased recipient once had."""
        return list(
            self._connection.scalars(
                select(ErasedAddress.address_hash).where(
                    ErasedAddress.recipient_id == recipient_id, ErasedAddress.channel == channel
                )
            )
        )

    def translate(self, row: Row[Any]) -> StoredRecipient:
        """Decrypt a row of the table."""
        profile = Profile(
            email=self._open("email", row.email_sealed),
            phone=self._open("phone", row.phone_sealed),
            name=self._open("name", row.name_sealed),
            **{name: getattr(row, name) for name in _PLAIN},
            attributes=row.attributes,
        )
        return StoredRecipient(
            row.id, row.external_id, profile, hashes_of(row.email_hash, row.phone_hash), row.policy_consent_id
        )

    def _open(self, name: str, sealed: bytes | None) -> str | None:
        return self._vault.open(SEALED[name], sealed) if sealed else None

    def _locked(self, ids: Sequence[str]) -> dict[str, StoredRecipient]:
        if not ids:
            return {}
        rows = self._held.rows_of(ids)
        if rows is None:
            rows = _LOCKED.rows(self._connection, {"ids": list(ids)})
        return {row.external_id: self.translate(row) for row in map(recipient_row, rows)}

    def _inserted(self, fresh: Mapping[str, Profile], now: datetime) -> dict[str, StoredRecipient]:
        """Insert those whom no other transaction has inserted meanwhile; return them."""
        rows = {
            external_id: {"external_id": external_id, "created_at": now, **self.columns(profile, now)}
            for external_id, profile in fresh.items()
        }
        if self._connection.dialect.name == "postgresql":
            found = self._inserted_at_once(list(rows.values()))
        else:
            statement = upsert_into(self._connection, Recipient)
            unless = statement.on_conflict_do_nothing(index_elements=["external_id"])
            returning = unless.returning(Recipient.id, Recipient.external_id)
            found = [
                (row.id, row.external_id) for row in self._connection.execute(returning, list(rows.values()))
            ]
        return {
            external_id: StoredRecipient(
                number,
                external_id,
                fresh[external_id],
                hashes_of(rows[external_id]["email_hash"], rows[external_id]["phone_hash"]),
            )
            for number, external_id in found
        }

    def _inserted_at_once(self, rows: Sequence[Mapping[str, Any]]) -> list[tuple[int, str]]:
        """Insert, and hold what bars their addresses; return numbers and external ids."""
        hashes = {value for row in rows for value in (row["email_hash"], row["phone_hash"]) if value}
        given = {"rows": to_json(rows), "hashes": list(hashes)}
        found, barred = [], []
        for number, external_id, *bar in INSERT_RECIPIENTS.rows(self._connection, given):
            if number is None:
                barred.append(tuple(bar))
            else:
                found.append((number, external_id))
        self._held.hold_barred([number for number, _ in found], barred)
        return found

    def _changed(
        self, changes: Mapping[str, tuple[StoredRecipient, Profile]], now: datetime
    ) -> dict[str, StoredRecipient]:
        """Store new profiles, in one statement; return the recipients as they are now."""
        rows, found = [], {}
        for external_id, (recipient, profile) in changes.items():
            columns = self.columns(profile, now)
            hashes = hashes_of(columns["email_hash"], columns["phone_hash"])
            rows.append({"id": recipient.id, **columns})
            found[external_id] = replace(recipient, profile=profile, hashes=hashes)
        if len(rows) >= _MANY and self._connection.dialect.name == "postgresql":
            update_rows(self._connection, STORED, rows)
        elif rows:
            names = [name for name in rows[0] if name != "id"]
            self._connection.execute(
                update(_TABLE)
                .where(_TABLE.c.id == bindparam("number"))
                .values({name: bindparam(f"new_{name}", type_=_TABLE.c[name].type) for name in names}),
                [{"number": row["id"]} | {f"new_{name}": row[name] for name in names} for row in rows],
            )
        moved = [(changes[external_id][0], after) for external_id, after in found.items()]
        move_pauses(self._connection, self._vault, moved, now)
        return found

    def columns(self, profile: Profile, now: datetime) -> dict[str, Any]:
        """Encrypt and hash a profile into the columns that it is stored in."""
        columns: dict[str, Any] = {name: getattr(profile, name) for name in _PLAIN}
        for name, field in SEALED.items():
            value = getattr(profile, name)
            columns[f"{name}_sealed"] = self._vault.seal(field, value) if value else None
        for name, channel in _HASHED.items():
            value = getattr(profile, name)
            columns[f"{name}_hash"] = hash_address(self._vault, channel, value) if value else None
        return columns | {
            "effective_country": profile.effective_country,
            "attributes": dict(profile.attributes),
            "updated_at": now,
        }


def hashes_of(email: bytes | None, phone: bytes | None) -> dict[Channel, bytes]:
    """Return the hashes that there are, by channel."""
    pairs = {Channel.EMAIL: email, Channel.SMS: phone}
    return {channel: value for channel, value in pairs.items() if value}
