"""What an import writes: recipients by COPY, and preferences, opt-outs and suppressions many at a time."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from psycopg.errors import UniqueViolation
from sqlalchemy import Connection, text

from notify.domain.addresses import masked
from notify.domain.delivery import StoredRecipient
from notify.domain.errors import ConflictError
from notify.domain.imports import Barred, RecordedChoice
from notify.domain.journal import barred_line
from notify.domain.ledger import LedgerEntry
from notify.domain.recipients import first
from notify.ports import Vault
from notify.storage.confirmations import SqlConfirmations
from notify.storage.consent_tables import Suppression
from notify.storage.consents import SqlConsents
from notify.storage.copying import Columns, copy_rows, next_numbers, upsert_rows
from notify.storage.journal_lines import add_lines
from notify.storage.locks import lock_all_alone
from notify.storage.recipients import STORED, SqlRecipients, hashes_of
from notify.storage.suppressions import MASKED_FIELD
from notify.storage.tables import Base
from notify.storage.upserts import upsert_into
from notify.store.imports import Newcomer

_KNOWN: Final = text(
    "SELECT external_id FROM recipients WHERE external_id = ANY(:ids) ORDER BY external_id FOR NO KEY UPDATE"
)
"""Locked before anybody is added, as everywhere: who waits for a newcomer may hold one of them."""
_COPIED: Final = Columns(
    STORED.table,
    {**STORED.types, "external_id": "varchar", "policy_consent_id": "int8", "created_at": "timestamptz"},
)
_PREFERENCES: Final = Columns(
    "preferences",
    {
        "recipient_id": "int8", "topic": "int2", "channel": "varchar", "subscribed": "bool",
        "changed_at": "timestamptz", "consent_id": "int8",
    },
)  # fmt: skip
_PREFERENCE_KEY: Final = ("recipient_id", "topic", "channel")
_OPT_OUTS: Final = Columns(
    "address_optouts",
    {
        "address_hash": "bytea", "topic": "int2", "channel": "varchar", "opted_out_at": "timestamptz",
        "consent_id": "int8",
    },
)  # fmt: skip
_OPT_OUT_KEY: Final = ("address_hash", "topic", "channel")


class SqlImports:
    """Writes imported rows, in one transaction with what else is done for them."""

    def __init__(
        self, connection: Connection, recipients: SqlRecipients, consents: SqlConsents, vault: Vault
    ) -> None:
        self._connection = connection
        self._recipients = recipients
        self._consents = consents
        self._vault = vault

    def lock_out_all_gates(self) -> None:
        """Wait for all open gates, and keep new ones shut until commit."""
        lock_all_alone(self._connection)

    def add(self, given: Mapping[str, Newcomer], now: datetime) -> dict[str, StoredRecipient]:
        """Store whoever is new, and their acceptances, by COPY; return nobody where there is none.

        ConflictError.
        """
        if self._connection.dialect.name != "postgresql":
            return {}
        known = set(self._connection.scalars(_KNOWN, {"ids": list(given)}))
        fresh = {one: given[one] for one in sorted(given.keys() - known)}
        if not fresh:
            return {}
        try:
            return self._copied(fresh, now)
        except UniqueViolation as error:
            raise ConflictError("somebody else made one of them meanwhile") from error

    def record(self, choices: Sequence[RecordedChoice], now: datetime) -> None:
        """Store preferences, and bar the addresses of those who left."""
        left = [one for one in choices if not one.change.subscribed]
        self._upsert(
            _PREFERENCES,
            _PREFERENCE_KEY,
            [
                {
                    "recipient_id": one.recipient.id,
                    "topic": one.change.topic,
                    "channel": one.change.channel,
                    "subscribed": one.change.subscribed,
                    "changed_at": now,
                    "consent_id": one.consent_id,
                }
                for one in choices
            ],
        )
        self._upsert(
            _OPT_OUTS,
            _OPT_OUT_KEY,
            [
                {
                    "address_hash": one.recipient.hashes[one.change.channel],
                    "topic": one.change.topic,
                    "channel": one.change.channel,
                    "opted_out_at": now,
                    "consent_id": one.consent_id,
                }
                for one in left
                if one.change.channel in one.recipient.hashes
            ],
        )

    def suppress(self, barred: Sequence[Barred], now: datetime) -> None:
        """Bar addresses, and end what waits for them; what is barred already stays as it is."""
        rows: list[dict[str, Any]] = [
            {
                "address_hash": one.recipient.hashes[one.channel],
                "channel": one.channel,
                "scope": one.scope,
                "reason": one.reason,
                "masked_sealed": self._vault.seal(MASKED_FIELD, masked(one.channel, address)),
                "created_at": now,
            }
            for one in barred
            if (address := one.recipient.profile.address(one.channel))
        ]
        if rows:
            self._connection.execute(
                upsert_into(self._connection, Suppression).on_conflict_do_nothing(), rows
            )
            waiting = SqlConfirmations(self._connection, self._vault)
            waiting.end_through({row["address_hash"] for row in rows}, now, every=False)
        lines = [
            barred_line(
                row["channel"], row["address_hash"], row["reason"], scope=row["scope"], at=now, until=None
            )
            for row in rows
        ]
        add_lines(self._connection, lines)

    def _copied(self, fresh: Mapping[str, Newcomer], now: datetime) -> dict[str, StoredRecipient]:
        numbers = dict(zip(fresh, next_numbers(self._connection, _COPIED.table, len(fresh)), strict=True))
        accepted = self._accepted(fresh, numbers, now)
        found, rows = {}, []
        for external_id, given in fresh.items():
            number = numbers[external_id]
            profile, entry = first(given.patch, given.phone_country), accepted.get(number)
            columns = self._recipients.columns(profile, now)
            columns |= {"id": number, "external_id": external_id, "created_at": now}
            columns["policy_consent_id"] = entry
            rows.append(columns)
            hashes = hashes_of(columns["email_hash"], columns["phone_hash"])
            found[external_id] = StoredRecipient(number, external_id, profile, hashes, entry)
        copy_rows(self._connection, _COPIED, rows)
        return found

    def _accepted(
        self, fresh: Mapping[str, Newcomer], numbers: Mapping[str, int], now: datetime
    ) -> dict[int, int]:
        """Put acceptances on the ledger, once for each version; return the last entry of each recipient.

        They come before their recipients, so that these need not be touched again.
        """
        entries = [
            LedgerEntry.accepting(told, numbers[external_id], given.patch.get("locale"), now)
            for external_id, given in fresh.items()
            for told in {told.policy_version: told for told in given.acceptances}.values()
        ]
        ids = self._consents.append(entries)
        return {entry.recipient_id: number for entry, number in zip(entries, ids, strict=True)}

    def _upsert(self, columns: Columns, key: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows or bring them up to date, the last of each key, in their order: nobody deadlocks."""
        last = {tuple(row[name] for name in key): row for row in rows}
        ordered = [last[one] for one in sorted(last)]
        if not ordered:
            return
        if self._connection.dialect.name == "postgresql":
            upsert_rows(self._connection, columns, key, ordered)
            return
        statement = upsert_into(self._connection, Base.metadata.tables[columns.table])
        newest = {name: statement.excluded[name] for name in columns.types if name not in key}
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=list(key), set_=newest), ordered
        )
