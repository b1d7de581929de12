"""Reads for those who check all of the ledger."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, func, null, select, text

from notify.domain.errors import VaultError
from notify.domain.ledger_findings import Audited, Contradiction, Unreadable
from notify.domain.seals import Recorded, Seal
from notify.ports import Vault
from notify.storage.consent_tables import ConsentProof, ConsentRecord
from notify.storage.consents import PROOF_FIELD
from notify.storage.ledger import RECORDED
from notify.storage.ledger_backlog import unsealed_entries
from notify.storage.ledger_contradictions import CONTRADICTIONS, DANGLING, contradiction
from notify.storage.ledger_tables import LedgerSeal
from notify.storage.tables import Recipient
from notify.store.ledger_audit import Chain, ExportedEntry, Unsealed

_UNREADABLE: Final = Unreadable()
_WHOLE_TABLES: Final = text(
    "SELECT set_config('enable_hashjoin', 'on', true), set_config('enable_seqscan', 'on', true)"
)
"""They compare all that there is, which the planner is kept from elsewhere (`storage/engine.py`)."""
_SEAL: Final = (
    select(LedgerSeal.id)
    .where(LedgerSeal.last_id >= ConsentRecord.id)
    .order_by(LedgerSeal.last_id)
    .limit(1)
    .correlate(ConsentRecord)
    .scalar_subquery()
)
_OF_ENTRY: Final = select(*RECORDED, Recipient.external_id, _SEAL).outerjoin(
    Recipient, Recipient.id == ConsentRecord.recipient_id
)
_EXPORTED: Final = _OF_ENTRY.add_columns(null()).order_by(ConsentRecord.id)
_EXPORTED_WITH_PROOFS: Final = (
    _OF_ENTRY.add_columns(ConsentProof.proof_sealed)
    .outerjoin(ConsentProof, ConsentProof.consent_id == ConsentRecord.id)
    .order_by(ConsentRecord.id)
)


class SqlLedgerAudit:
    """Implements `store.ledger_audit.LedgerAudit`."""

    def __init__(self, connection: Connection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault

    def seals_after(self, number: int, limit: int) -> list[Seal]:
        """Return links of the chain, in order."""
        query = select(LedgerSeal.__table__).where(LedgerSeal.id > number).order_by(LedgerSeal.id)
        return [Seal(*row) for row in self._connection.execute(query.limit(limit))]

    def entries(self, after: int, upto: int, limit: int) -> list[Audited]:
        """Return entries above a number and up to another, in order, with the proofs that are kept."""
        rows = self._connection.execute(
            select(*RECORDED, ConsentProof.proof_sealed)
            .outerjoin(ConsentProof, ConsentProof.consent_id == ConsentRecord.id)
            .where(ConsentRecord.id > after, ConsentRecord.id <= upto)
            .order_by(ConsentRecord.id)
            .limit(limit)
        )
        return [Audited(Recorded(*entry), self._opened(sealed)) for *entry, sealed in rows]

    def export(
        self,
        after: int | None,
        limit: int,
        *,
        recipient_id: int | None,
        since: datetime | None,
        until: datetime | None,
        proofs: bool,
    ) -> list[ExportedEntry]:
        """Return entries above a number, in order, from `since` until before `until`."""
        query = _EXPORTED_WITH_PROOFS if proofs else _EXPORTED
        if after is not None:
            query = query.where(ConsentRecord.id > after)
        if recipient_id is not None:
            query = query.where(ConsentRecord.recipient_id == recipient_id)
        if since is not None:
            query = query.where(ConsentRecord.at >= since)
        if until is not None:
            query = query.where(ConsentRecord.at < until)
        return [
            ExportedEntry(Recorded(*entry), external_id, seal, self._opened(sealed))
            for *entry, external_id, seal, sealed in self._connection.execute(query.limit(limit))
        ]

    def chain(self) -> Chain | None:
        """Return the chain's head and size."""
        newest = select(LedgerSeal.__table__).order_by(LedgerSeal.id.desc()).limit(1)
        row = self._connection.execute(newest).first()
        if row is None:
            return None
        last = Seal(*row)
        sealed = select(func.count()).select_from(ConsentRecord).where(ConsentRecord.id <= last.last_entry)
        return Chain(last.head, last.number, self._connection.scalar(sealed) or 0)

    def unsealed(self) -> Unsealed:
        """Return what stands after the last seal."""
        return unsealed_entries(self._connection)

    def dangling(self, limit: int) -> Iterator[Contradiction]:
        """Return what rests on an entry that is not there; `limit` of each kind."""
        for sentence, query in DANGLING:
            yield from self._contradictions(sentence, query, limit)

    def contradictions(self, limit: int) -> Iterator[Contradiction]:
        """Return what says otherwise than the entries it rests on; `limit` of each kind."""
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(_WHOLE_TABLES)
        for sentence, query in CONTRADICTIONS:
            yield from self._contradictions(sentence, query, limit)

    def _contradictions(self, sentence: str, query: str, limit: int) -> Iterator[Contradiction]:
        for who, number in self._connection.execute(contradiction(query), {"limit": limit}):
            yield Contradiction(sentence, who, number)

    def _opened(self, sealed: bytes | None) -> str | Unreadable | None:
        try:
            return self._vault.open(PROOF_FIELD, sealed) if sealed is not None else None
        except VaultError:
            return _UNREADABLE
