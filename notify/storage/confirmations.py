"""What waits to be confirmed by a person; what they said with it is encrypted."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, or_, select, union, update

from notify.domain.catalogue import Channel
from notify.domain.confirmations import Confirmation, Kind, Wanted
from notify.domain.requests import Proof
from notify.ports import Vault
from notify.storage.consent_tables import AddressOptOut, Preference
from notify.storage.person_tables import Confirmation as Table
from notify.storage.tables import Recipient

DETAILS_FIELD: Final = "confirmations.details"
_MOMENTS: Final = ("obtained_at", "double_opt_in_at")


class SqlConfirmations:
    """Reads and writes confirmations."""

    def __init__(self, connection: Connection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault

    def add(self, one: Confirmation) -> None:
        """Keep one."""
        row = {
            "digest": one.digest,
            "recipient_id": one.recipient_id,
            "kind": one.kind,
            "channel": one.channel,
            "address_hash": one.address_hash,
            "details_sealed": self._vault.seal(DETAILS_FIELD, json.dumps(_details(one))),
            "created_at": one.created_at,
            "expires_at": one.expires_at,
        }
        self._connection.execute(insert(Table), row)

    def asked_since(self, recipient_id: int, since: datetime) -> list[tuple[Kind, Channel, datetime]]:
        """Return what one person was asked to confirm."""
        rows = self._connection.execute(
            select(Table.kind, Table.channel, Table.created_at).where(
                Table.recipient_id == recipient_id, Table.created_at > since
            )
        )
        return [(Kind(kind), Channel(channel), at) for kind, channel, at in rows]

    def find(self, digest: bytes, now: datetime) -> Confirmation | None:
        """Return one that is still good."""
        good = (Table.digest == digest, Table.used_at.is_(None), Table.expires_at > now)
        found = self._still_wanted(self._connection.execute(select(Table.__table__).where(*good)))
        return found[0] if found else None

    def take(self, digest: bytes, now: datetime) -> bool:
        """Use one, once: of two at a time the second waits for the first, and finds it used."""
        good = (Table.digest == digest, Table.used_at.is_(None), Table.expires_at > now)
        used = update(Table).where(*good).values(used_at=now).returning(Table.recipient_id)
        return self._connection.execute(used).first() is not None

    def waiting(
        self, recipient_ids: Collection[int], now: datetime, *, at: Collection[bytes] = ()
    ) -> list[Confirmation]:
        """Return what people can still confirm: what went to an address they have."""
        asked = or_(Table.recipient_id.in_(recipient_ids), Table.address_hash.in_(at))
        theirs = or_(Table.address_hash == Recipient.email_hash, Table.address_hash == Recipient.phone_hash)
        good = (asked, Table.used_at.is_(None), Table.expires_at > now)
        rows = self._connection.execute(
            select(Table.__table__)
            .join(Recipient, Recipient.id == Table.recipient_id)
            .where(theirs, *good)
            .order_by(Table.created_at, Table.digest)
        )
        return self._still_wanted(rows)

    def end_through(self, hashes: Collection[bytes], now: datetime, *, every: bool) -> None:
        """End what waits for addresses: opt-ins, or with `every` also what else a link there would do."""
        waits = (Table.address_hash.in_(hashes), Table.used_at.is_(None))
        ended = waits if every else (*waits, Table.kind == Kind.SUBSCRIBE)
        self._connection.execute(update(Table).where(*ended).values(used_at=now))

    def drop_ended(self, now: datetime) -> int:
        """Delete those whose time has passed."""
        return self._connection.execute(delete(Table).where(Table.expires_at <= now)).rowcount

    def _still_wanted(self, rows: Iterable[Row[Any]]) -> list[Confirmation]:
        """Translate, without what was asked for before an opt-out of the same: the later word counts."""
        found = []
        for one in map(self._translate, rows):
            if not one.wanted:
                found.append(one)
                continue
            left = self._left_since(one)
            topics = tuple(number for number in one.wanted.topics if number not in left)
            if topics:
                found.append(replace(one, wanted=replace(one.wanted, topics=topics)))
        return found

    def _left_since(self, one: Confirmation) -> set[int]:
        """Return the topics that the person, or their address, has left since this was asked for."""
        by_person = select(Preference.topic).where(
            Preference.recipient_id == one.recipient_id,
            Preference.channel == one.channel,
            Preference.subscribed.is_(False),
            Preference.changed_at >= one.created_at,
        )
        by_address = select(AddressOptOut.topic).where(
            AddressOptOut.address_hash == one.address_hash,
            AddressOptOut.channel == one.channel,
            AddressOptOut.opted_out_at >= one.created_at,
        )
        return set(self._connection.scalars(union(by_person, by_address)))

    def _translate(self, row: Row[Any]) -> Confirmation:
        told = json.loads(self._vault.open(DETAILS_FIELD, row.details_sealed))
        return Confirmation(
            digest=row.digest,
            recipient_id=row.recipient_id,
            kind=Kind(row.kind),
            channel=Channel(row.channel),
            address_hash=row.address_hash,
            locale=told["locale"],
            message_id=told["message_id"],
            created_at=row.created_at,
            expires_at=row.expires_at,
            asked_from=told["asked_from"],
            wanted=wanted_in(told),
        )


def _details(one: Confirmation) -> dict[str, Any]:
    return {
        "locale": one.locale,
        "message_id": one.message_id,
        "asked_from": one.asked_from,
        "wanted": _told(one.wanted) if one.wanted else None,
    }


def _told(wanted: Wanted) -> dict[str, Any]:
    proof = asdict(wanted.proof)
    moments = {name: at.isoformat() for name in _MOMENTS if (at := proof[name])}
    return {"topics": wanted.topics, "proof": {**proof, **moments}}


def wanted_in(told: Mapping[str, Any]) -> Wanted | None:
    """Return what somebody asked to subscribe to, by the opened details; None if it was something else."""
    wanted = told["wanted"]
    if not wanted:
        return None
    proof = wanted["proof"]
    moments = {name: datetime.fromisoformat(at) for name in _MOMENTS if (at := proof[name])}
    return Wanted(tuple(wanted["topics"]), Proof(**{**proof, **moments}))
