"""Preferences, opt-outs of addresses, undo tokens, and the ledger."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from psycopg.errors import DivisionByZero
from sqlalchemy import Connection, Row, delete, insert, select, update

from notify.domain import proofs
from notify.domain.catalogue import Channel
from notify.domain.consent import Standing
from notify.domain.delivery import StoredRecipient
from notify.domain.ledger import (
    BARRING_WAYS,
    Change,
    Choices,
    LedgerEntry,
    Left,
    OptedOut,
    Undo,
    UndoDraft,
)
from notify.domain.requests import Proof
from notify.domain.token_claims import OptOutClaim
from notify.ports import Vault
from notify.storage.consent_tables import AddressOptOut, ConsentRecord, Preference, UndoToken
from notify.storage.held import Held
from notify.storage.ledger_rows import insert_entries, insert_proofs
from notify.storage.locks import (
    go_back_to_savepoint,
    lock_alone,
    lock_shared,
    set_savepoint,
    shards,
)
from notify.storage.opting_out import AT_ONCE, STOPS
from notify.storage.recipients import SEALED_ADDRESSES
from notify.storage.standings import new_standings, read_standings
from notify.storage.upserts import upsert_into
from notify.store import StandingKey

PROOF_FIELD: Final = "consent_proofs.proof"


class SqlConsents:
    """Reads and writes consent."""

    def __init__(self, connection: Connection, vault: Vault, held: Held | None = None) -> None:
        """`held` is what others of the same transaction have read in passing."""
        self._connection = connection
        self._vault = vault
        self._held = held or Held()

    def lock_out_gates(self, recipient_ids: Iterable[int], hashes: Iterable[bytes]) -> None:
        """Wait for open gates, and keep new ones shut until commit."""
        lock_alone(self._connection, shards(recipient_ids, hashes))

    def before_locks(self) -> None:
        """Set a savepoint; SQLite's writers wait for nobody, and need none."""
        set_savepoint(self._connection)

    def give_locks_back(self) -> None:
        """Go back to the savepoint, which frees the advisory locks that were taken after it."""
        go_back_to_savepoint(self._connection)

    def lock_in_gate(self, recipient_ids: Iterable[int], hashes: Iterable[bytes]) -> None:
        """Keep opt-outs waiting until this gate's commit."""
        lock_shared(self._connection, shards(recipient_ids, hashes))

    def standings(self, keys: Sequence[StandingKey]) -> list[Standing]:
        """Read what is known about each; in order."""
        return read_standings(self._connection, keys)

    def first_standings(self, keys: Sequence[StandingKey]) -> list[Standing]:
        """Read the same; of recipients whom this transaction has just inserted it was read with that."""
        barred = self._held.barred_of({recipient.id for recipient, _, _ in keys})
        if barred is None:
            return self.standings(keys)
        return new_standings(keys, barred)

    def append(self, entries: Sequence[LedgerEntry]) -> list[int]:
        """Append to the ledger; each proof goes to its own table, salted hash and all."""
        if not entries:
            return []
        written = [proofs.write(entry.proof) if entry.proof else None for entry in entries]
        rows = [
            {
                "recipient_id": entry.recipient_id,
                "at": entry.at,
                "topic": entry.topic,
                "channel": entry.channel,
                "subscribed": entry.subscribed,
                "way": entry.way,
                "locale": entry.locale,
                "policy_version": entry.policy_version,
                "message_id": entry.message_id,
                "proof_hash": proof[1] if proof else None,
            }
            for entry, proof in zip(entries, written, strict=True)
        ]
        ids = insert_entries(self._connection, rows)
        kept = [
            {
                "consent_id": number,
                "proof_sealed": self._vault.seal(PROOF_FIELD, proof[0]),
                "created_at": entry.at,
            }
            for number, entry, proof in zip(ids, entries, written, strict=True)
            if proof
        ]
        insert_proofs(self._connection, kept)
        return ids

    def record(
        self,
        entries: Sequence[LedgerEntry],
        changes: Sequence[Change],
        hashes: Collection[bytes],
        undo: UndoDraft | None,
    ) -> list[int]:
        """Append to the ledger, apply the changes, keep the undo."""
        numbers = self.append(entries)
        for number, entry, change in zip(numbers, entries, changes, strict=True):
            self.set_preference(entry.recipient_id, change, number, entry.at)
            if change.subscribed:
                self._readmit_addresses(change.topic, change.channel, hashes)
            else:
                self.opt_out_addresses(change.topic, change.channel, hashes, number, entry.at)
        if undo and entries:
            whole = Undo(entries[0].recipient_id, numbers, changes, undo.expires_at, undo.broad)
            self.keep_undo(undo.digest, whole)
        return numbers

    def opt_out_at_once(self, claim: OptOutClaim, entry: LedgerEntry, undo: UndoDraft) -> OptedOut | None:
        """Do all of an ordinary opt-out in one statement, which only PostgreSQL can."""
        proof, digest = proofs.write(entry.proof or Proof(entry.way))
        given = {
            "recipient": claim.recipient,
            "at": entry.at,
            "topic": claim.topic,
            "channel": claim.channel,
            "way": entry.way,
            "locale": entry.locale,
            "message": claim.message,
            "proof_hash": digest,
            "proof_sealed": self._vault.seal(PROOF_FIELD, proof),
            "digest": undo.digest,
            "expires_at": undo.expires_at,
        }
        try:
            row = AT_ONCE.first(self._connection, given)
        except DivisionByZero:
            return None
        if row is None:
            return None
        address_sealed, locale, _ = row
        field = SEALED_ADDRESSES[claim.channel]
        return OptedOut(self._vault.open(field, address_sealed) if address_sealed else None, locale)

    def accepted_versions(self, recipient_ids: Collection[int]) -> set[tuple[int, str]]:
        """Return who has accepted which version of the privacy policy."""
        rows = self._connection.execute(
            select(ConsentRecord.recipient_id, ConsentRecord.policy_version).where(
                ConsentRecord.recipient_id.in_(recipient_ids), ConsentRecord.policy_version.is_not(None)
            )
        )
        return {(recipient_id, version) for recipient_id, version in rows if version}

    def set_preference(self, recipient_id: int, change: Change, consent_id: int, now: datetime) -> None:
        """Store one preference."""
        values = {"subscribed": change.subscribed, "changed_at": now, "consent_id": consent_id}
        self._connection.execute(
            upsert_into(self._connection, Preference)
            .values(recipient_id=recipient_id, topic=change.topic, channel=change.channel, **values)
            .on_conflict_do_update(index_elements=["recipient_id", "topic", "channel"], set_=values)
        )

    def clear_preference(self, recipient_id: int, topic: int, channel: Channel) -> None:
        """Forget one preference."""
        self._connection.execute(
            delete(Preference).where(
                Preference.recipient_id == recipient_id,
                Preference.topic == topic,
                Preference.channel == channel,
            )
        )

    def address_opted_out(self, topic: int, channel: Channel, hashes: Collection[bytes]) -> set[bytes]:
        """Return which of the hashes left the topic."""
        left = select(AddressOptOut.address_hash).where(
            AddressOptOut.address_hash.in_(hashes),
            AddressOptOut.topic == topic,
            AddressOptOut.channel == channel,
        )
        return set(self._connection.scalars(left))

    def choices(self, recipient_id: int, channel: Channel, hashes: Collection[bytes]) -> Choices:
        """Read what a person chose on a channel, and which topics these addresses left."""
        given = {"recipient": recipient_id, "channel": channel, "hashes": list(hashes)}
        preferences: dict[int, tuple[bool, int]] = {}
        left: dict[int, set[bytes]] = {}
        for topic, address_hash, subscribed, consent_id in STOPS.rows(self._connection, given):
            if address_hash is None:
                preferences[topic] = (subscribed, consent_id)
            else:
                left.setdefault(topic, set()).add(address_hash)
        return Choices(preferences, left)

    def opt_out_addresses(
        self, topic: int, channel: Channel, hashes: Collection[bytes], consent_id: int, now: datetime
    ) -> None:
        """Bar the addresses from the topic; the newest opt-out is what an undo could take back."""
        rows = [
            {
                "address_hash": value,
                "topic": topic,
                "channel": channel,
                "opted_out_at": now,
                "consent_id": consent_id,
            }
            for value in sorted(hashes)
        ]
        if rows:
            statement = upsert_into(self._connection, AddressOptOut)
            newest = {name: statement.excluded[name] for name in ("opted_out_at", "consent_id")}
            key = ["address_hash", "topic", "channel"]
            self._connection.execute(statement.on_conflict_do_update(index_elements=key, set_=newest), rows)

    def _readmit_addresses(self, topic: int, channel: Channel, hashes: Collection[bytes]) -> None:
        """Take back what `opt_out_addresses` did."""
        self._connection.execute(
            delete(AddressOptOut).where(
                AddressOptOut.address_hash.in_(hashes),
                AddressOptOut.topic == topic,
                AddressOptOut.channel == channel,
            )
        )

    def readmit_by_consents(self, consent_ids: Collection[int]) -> None:
        """Take back the opt-outs of addresses that these ledger entries made."""
        self._connection.execute(delete(AddressOptOut).where(AddressOptOut.consent_id.in_(consent_ids)))

    def last_opt_out_at(self, recipient: StoredRecipient, topic: int, channel: Channel) -> datetime | None:
        """Return when the person, or their address under whatever recipient id, last opted out."""
        own = select(Preference.changed_at).where(
            Preference.recipient_id == recipient.id,
            Preference.topic == topic,
            Preference.channel == channel,
            Preference.subscribed.is_(False),
        )
        of_address = select(AddressOptOut.opted_out_at).where(
            AddressOptOut.address_hash == recipient.hashes.get(channel, b""),
            AddressOptOut.topic == topic,
            AddressOptOut.channel == channel,
        )
        found = [self._connection.scalar(own), self._connection.scalar(of_address)]
        return max((at for at in found if at), default=None)

    def left_by(self, recipient_id: int, channel: Channel, way: str) -> set[int]:
        """Return the topics that a person is out of by entries of this way alone."""
        left = select(Preference.topic).join(ConsentRecord, ConsentRecord.id == Preference.consent_id)
        mine = (Preference.recipient_id == recipient_id, Preference.channel == channel)
        found = self._connection.scalars(
            left.where(*mine, Preference.subscribed.is_(False), ConsentRecord.way == way)
        )
        otherwise = self._connection.execute(
            select(ConsentRecord.topic, ConsentRecord.subscribed)
            .where(ConsentRecord.recipient_id == recipient_id, ConsentRecord.channel == channel)
            .where(ConsentRecord.way.not_in((way, *BARRING_WAYS)))
            .order_by(ConsentRecord.id)
        )
        newest = {topic: subscribed for topic, subscribed in otherwise}  # noqa: C416 - the last of each
        return {topic for topic in found if newest.get(topic) is not False}

    def undo_owner(self, digest: bytes) -> int | None:
        """Return whose undo it is, without taking it."""
        return self._connection.scalar(select(UndoToken.recipient_id).where(UndoToken.digest == digest))

    def void_undos(self, left: Collection[Left]) -> list[Undo]:
        """Cut what was left out of older undos; most of the time there are none."""
        if not left:
            return []
        own = {(one.recipient_id, one.topic, one.channel) for one in left}
        owners, entries = self._who_left(
            {(value, one.topic, one.channel) for one in left for value in one.hashes}
        )
        owners.update(one.recipient_id for one in left)
        rows = self._connection.execute(
            select(UndoToken.__table__)
            .where(UndoToken.recipient_id.in_(owners))
            .order_by(UndoToken.digest)
            .with_for_update()  # an opt-out at another address of the same person may cut it meanwhile
        )
        voided = []
        for row in rows.all():
            undo = _undo(row)
            kept = [
                (number, change)
                for number, change in zip(undo.consent_ids, undo.changes, strict=True)
                if number not in entries and (undo.recipient_id, change.topic, change.channel) not in own
            ]
            if len(kept) == len(undo.changes):
                continue
            this = UndoToken.digest == row.digest
            if kept:
                numbers, changes = zip(*kept, strict=True)
                cut = {"consent_ids": list(numbers), "changes": [asdict(change) for change in changes]}
                self._connection.execute(update(UndoToken).where(this).values(cut))
            else:
                self._connection.execute(delete(UndoToken).where(this))
                voided.append(undo)
        return voided

    def _who_left(self, left: Collection[tuple[bytes, int, Channel]]) -> tuple[set[int], set[int]]:
        """Return by whose choices these addresses are out of these topics, and the entries of those."""
        if not left:
            return set(), set()
        rows = self._connection.execute(
            select(
                AddressOptOut.address_hash,
                AddressOptOut.topic,
                AddressOptOut.channel,
                AddressOptOut.consent_id,
                ConsentRecord.recipient_id,
            )
            .join(ConsentRecord, ConsentRecord.id == AddressOptOut.consent_id)
            .where(AddressOptOut.address_hash.in_({value for value, _, _ in left}))
        )
        found = [(number, owner) for *key, number, owner in rows if tuple(key) in left]
        return {owner for _, owner in found}, {number for number, _ in found}

    def drop_spent_undos(self, now: datetime) -> int:
        """Delete undos that ran out."""
        return self._connection.execute(delete(UndoToken).where(UndoToken.expires_at <= now)).rowcount

    def keep_undo(self, digest: bytes, undo: Undo) -> None:
        """Keep an undo."""
        self._connection.execute(
            insert(UndoToken).values(
                digest=digest,
                recipient_id=undo.recipient_id,
                consent_ids=list(undo.consent_ids),
                changes=[asdict(change) for change in undo.changes],
                broad=undo.broad,
                expires_at=undo.expires_at,
            )
        )

    def take_undo(self, digest: bytes, now: datetime) -> Undo | None:
        """Take an undo, once: the row goes with it."""
        row = self._connection.execute(
            delete(UndoToken).where(UndoToken.digest == digest).returning(UndoToken.__table__)
        ).first()
        return None if row is None or row.expires_at <= now else _undo(row)


def _undo(row: Row[Any]) -> Undo:
    changes = [Change(**{**change, "channel": Channel(change["channel"])}) for change in row.changes]
    return Undo(row.recipient_id, row.consent_ids, changes, row.expires_at, row.broad)
