"""The tables that prove the ledger: its seals, who follows it, and what is journalled outside."""

from datetime import datetime

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from notify.storage.columns import identity
from notify.storage.tables import NEVER_REUSED, Base


class LedgerSeal(Base):
    """One link of the chain over the ledger: a batch of entries, closed for good.

    `entries` holds, for each entry in order, its number (8 bytes) and its MAC (16 bytes). `mac` is over these
    and the seal before, so that nothing can be altered, taken out or put in unseen.
    """

    __tablename__ = "ledger_seals"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    first_id: Mapped[int] = mapped_column(BigInteger)
    last_id: Mapped[int] = mapped_column(BigInteger, index=True)
    entries: Mapped[bytes]
    previous: Mapped[bytes]
    mac: Mapped[bytes]


class LedgerFollower(Base):
    """How far something that follows the ledger has come: the number of the last entry it dealt with."""

    __tablename__ = "ledger_followers"
    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    entry_id: Mapped[int] = mapped_column(BigInteger)


class JournalLine(Base):
    """What is still to be written to the journal outside the database; it holds ids and keyed hashes only."""

    __tablename__ = "journal_lines"
    __table_args__ = (NEVER_REUSED,)
    id: Mapped[int] = identity()
    line: Mapped[str]
