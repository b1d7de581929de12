"""The tables of consent: preferences, opt-outs, suppressions, and the ledger with its proofs."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from notify.storage.columns import identity, partial_index
from notify.storage.tables import NEVER_REUSED, Base


class ErasedAddress(Base):
    """The keyed hashes of an erased recipient, so that links already sent still stop the address."""

    __tablename__ = "erased_addresses"
    recipient_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    channel: Mapped[str] = mapped_column(String(16), primary_key=True)
    address_hash: Mapped[bytes] = mapped_column(primary_key=True)


class Preference(Base):
    """Recipient × topic × channel, where it was ever changed."""

    __tablename__ = "preferences"
    recipient_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    topic: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    channel: Mapped[str] = mapped_column(String(16), primary_key=True)
    subscribed: Mapped[bool]
    changed_at: Mapped[datetime]
    consent_id: Mapped[int] = mapped_column(BigInteger)


class AddressOptOut(Base):
    """An address that left a topic, whichever recipient it belongs to."""

    __tablename__ = "address_optouts"
    address_hash: Mapped[bytes] = mapped_column(primary_key=True)
    topic: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    channel: Mapped[str] = mapped_column(String(16), primary_key=True)
    opted_out_at: Mapped[datetime]
    consent_id: Mapped[int] = mapped_column(BigInteger, index=True)


class Suppression(Base):
    """An address barred from marketing or from everything, for good or until `expires_at`.

    `paused_by`: who wanted the pause, whoever has the address now; NULL where those of several met.
    """

    __tablename__ = "suppressions"
    __table_args__ = (
        Index("uq_suppressions_address", "address_hash", "channel", "reason", unique=True),
        partial_index("ix_suppressions_expires_at", "expires_at", where="expires_at IS NOT NULL"),
        partial_index("ix_suppressions_paused_by", "paused_by", where="paused_by IS NOT NULL"),
    )
    id: Mapped[int] = identity()
    address_hash: Mapped[bytes]
    channel: Mapped[str] = mapped_column(String(16))
    scope: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(32))
    masked_sealed: Mapped[bytes | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    paused_by: Mapped[int | None] = mapped_column(BigInteger)


class ConsentRecord(Base):
    """One entry of the append-only ledger: ids, dates and a salted hash of the proof."""

    __tablename__ = "consent_records"
    __table_args__ = (NEVER_REUSED,)
    id: Mapped[int] = identity()
    recipient_id: Mapped[int] = mapped_column(BigInteger, index=True)
    at: Mapped[datetime]
    topic: Mapped[int | None] = mapped_column(SmallInteger)
    channel: Mapped[str | None] = mapped_column(String(16))
    subscribed: Mapped[bool]
    way: Mapped[str] = mapped_column(String(32))
    locale: Mapped[str | None] = mapped_column(String(8))
    policy_version: Mapped[str | None] = mapped_column(String(64))
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    proof_hash: Mapped[bytes | None]


class ConsentProof(Base):
    """The proof behind a ledger entry, kept apart so that it can be erased."""

    __tablename__ = "consent_proofs"
    consent_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    proof_sealed: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(index=True)


class UndoToken(Base):
    """A single-use undo of one opt-out: which entries of the ledger it takes back."""

    __tablename__ = "undo_tokens"
    digest: Mapped[bytes] = mapped_column(primary_key=True)
    recipient_id: Mapped[int] = mapped_column(BigInteger, index=True)
    consent_ids: Mapped[list[Any]]
    changes: Mapped[list[Any]]
    broad: Mapped[bool]
    expires_at: Mapped[datetime] = mapped_column(index=True)
