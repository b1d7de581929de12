"""The messages of a campaign on their way into the database: COPY in PostgreSQL, INSERT in SQLite."""

import struct
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import psycopg
from sqlalchemy import Connection, insert

from notify.domain.campaigns import Campaign
from notify.domain.errors import ConflictError
from notify.domain.status import Status
from notify.storage.engine import out_of_reach
from notify.storage.tables import Message
from notify.store.campaigns import Bundle

_COPY: Final = (
    "COPY messages (recipient_id, address_hash, basis_consent_id, basis, status, reason, campaign_id,"
    " dispatch_id, channel, topic, locale, created_at, updated_at) FROM STDIN (FORMAT BINARY)"
)
_COLUMNS: Final = 13
# https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format"
_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_TRAILER: Final = struct.pack(">h", -1)
_NULL: Final = struct.pack(">i", -1)
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = 1_000_000
_HEAD: Final = struct.Struct(">hiq").pack
_ENTRY: Final = struct.Struct(">iq").pack
_HASH_LENGTH: Final = 16
_WHOLE: Final = struct.Struct(f">hiqi{_HASH_LENGTH}siq").pack
"""The number of columns, recipient, hash and consent, each with its length."""


def insert_messages(
    connection: Connection,
    campaign: Campaign,
    bundles: Sequence[tuple[Bundle, int | None]],
    now: datetime,
) -> None:
    """Insert the messages of bundles, each with its dispatch's number.

    ConflictError: another message of the campaign was redirected to one of the addresses meanwhile.
    """
    if connection.dialect.name == "postgresql":
        _copy(connection, (_copied(campaign, bundle, dispatch, now) for bundle, dispatch in bundles))
        return
    rows = [row for bundle, dispatch in bundles for row in _inserted(campaign, bundle, dispatch, now)]
    if rows:
        connection.execute(insert(Message), rows)


def _inserted(
    campaign: Campaign, bundle: Bundle, dispatch: int | None, now: datetime
) -> Iterator[dict[str, Any]]:
    for one in bundle.envelopes:
        yield {
            "recipient_id": one.recipient,
            "address_hash": one.address_hash,
            "basis_consent_id": one.basis_consent_id,
            "basis": one.basis,
            "status": bundle.status,
            "reason": one.reason,
            "campaign_id": campaign.number,
            "dispatch_id": dispatch,
            "channel": bundle.channel,
            "topic": campaign.topic,
            "locale": bundle.locale,
            "created_at": now,
            "updated_at": now,
        }


def _copy(connection: Connection, blocks: Iterable[bytes]) -> None:
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError("COPY needs PostgreSQL")
    try:
        with driver.cursor() as cursor, cursor.copy(_COPY) as copy:
            copy.write(_HEADER)
            for block in blocks:
                copy.write(block)
            copy.write(_TRAILER)
    except psycopg.errors.UniqueViolation as error:  # its detail holds a keyed hash
        raise ConflictError("an address was written to meanwhile") from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        if driver.broken:
            connection.invalidate(error)
        raise out_of_reach(error) from error


def _copied(campaign: Campaign, bundle: Bundle, dispatch: int | None, now: datetime) -> bytes:
    """Return the rows of one bundle. What all of them share is written once, behind what differs."""
    since_epoch = now - _EPOCH
    at = struct.pack(
        ">q", (since_epoch.days * 86_400 + since_epoch.seconds) * _MICROSECOND + since_epoch.microseconds
    )
    shared = b"".join(
        (
            _field(struct.pack(">q", campaign.number)),
            _field(None if dispatch is None else struct.pack(">q", dispatch)),
            _field(bundle.channel.encode()),
            _field(struct.pack(">h", campaign.topic)),
            _field(bundle.locale.encode()),
            _field(at),
            _field(at),
        )
    )
    tails: dict[str | None, bytes] = {}
    rows = []
    for recipient, address_hash, basis, consent, reason in bundle.envelopes:
        key = basis or reason
        if key not in tails:
            tails[key] = _kind(bundle.status, basis, reason) + shared
        if address_hash is not None and consent is not None and len(address_hash) == _HASH_LENGTH:
            head = _WHOLE(_COLUMNS, 8, recipient, _HASH_LENGTH, address_hash, 8, consent)
        else:
            entry = _NULL if consent is None else _ENTRY(8, consent)
            head = _HEAD(_COLUMNS, 8, recipient) + _field(address_hash) + entry
        rows.append(head + tails[key])
    return b"".join(rows)


def _kind(status: Status, basis: str | None, reason: str | None) -> bytes:
    texts = (basis, status.value, reason)
    return b"".join(_field(None if text is None else text.encode()) for text in texts)


def _field(value: bytes | None) -> bytes:
    return _NULL if value is None else len(value).to_bytes(4, "big") + value
