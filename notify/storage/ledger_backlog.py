"""How far the ledger's chain and those who follow it are behind."""

from typing import Final

from sqlalchemy import Connection, func, select

from notify.domain.backlog import LedgerBacklog
from notify.storage.consent_tables import ConsentRecord
from notify.storage.ledger_tables import LedgerFollower, LedgerSeal
from notify.store.ledger_audit import Unsealed

_LAST_SEALED: Final = select(func.coalesce(func.max(LedgerSeal.last_id), 0)).scalar_subquery()


def unsealed_entries(connection: Connection) -> Unsealed:
    """Return what stands after the last seal."""
    following = ConsentRecord.id > _LAST_SEALED
    oldest = select(ConsentRecord.id, ConsentRecord.at).where(following).order_by(ConsentRecord.id).limit(1)
    row = connection.execute(oldest).first()
    if row is None:
        return Unsealed(0, None, None)
    return Unsealed(connection.scalar(select(func.count()).where(following)) or 0, *row)


def ledger_backlog(connection: Connection) -> LedgerBacklog:
    """Return how far the chain and its followers are behind."""
    newest = select(LedgerSeal.id, LedgerSeal.at, LedgerSeal.last_id).order_by(LedgerSeal.id.desc()).limit(1)
    seal = connection.execute(newest).first()
    last = seal.last_id if seal else 0
    followers = connection.execute(select(LedgerFollower.name, LedgerFollower.entry_id))
    unsealed = unsealed_entries(connection)
    return LedgerBacklog(
        seals=seal.id if seal else 0,
        sealed_at=seal.at if seal else None,
        unsealed=unsealed.count,
        oldest_at=unsealed.at,
        behind={name: max(0, last - number) for name, number in followers},
    )
