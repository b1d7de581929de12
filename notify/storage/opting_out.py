"""What an opt-out reads and writes, in as few statements as each database allows: they come in waves."""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    LargeBinary,
    SmallInteger,
    String,
    TextClause,
    bindparam,
    cast,
    null,
    select,
    text,
    union_all,
)
from sqlalchemy.sql.expression import CompoundSelect
from sqlalchemy.types import TypeEngine

from notify.storage.columns import UtcDateTime
from notify.storage.consent_tables import AddressOptOut, Preference
from notify.storage.locks import LOCK_SHARD_ALONE, SHARD_OF_HASH, SHARD_OF_ID
from notify.storage.prepared import Prepared, among


def _stops(dialect: str) -> CompoundSelect[tuple[int, bytes | None, bool | None, int]]:
    chosen = select(
        Preference.topic,
        cast(null(), LargeBinary).label("address_hash"),
        Preference.subscribed,
        Preference.consent_id,
    ).where(Preference.recipient_id == bindparam("recipient"), Preference.channel == bindparam("channel"))
    left = select(
        AddressOptOut.topic,
        AddressOptOut.address_hash,
        cast(null(), Boolean).label("subscribed"),
        AddressOptOut.consent_id,
    ).where(
        among(dialect, AddressOptOut.address_hash, "hashes"), AddressOptOut.channel == bindparam("channel")
    )
    return union_all(chosen, left)


STOPS: Final = Prepared(_stops)
"""Of a person and addresses on a channel: topic, the address that left it if any, preference, entry."""


_BEARER: Final = f"""
    bearer AS MATERIALIZED (
        SELECT r.id, coalesce(m.locale, r.locale) AS locale,
            CASE :channel WHEN 'email' THEN r.email_sealed ELSE r.phone_sealed END AS address_sealed,
            coalesce(m.address_hash, CASE :channel WHEN 'email' THEN r.email_hash ELSE r.phone_hash END)
                AS hash
        FROM recipients r LEFT JOIN messages m ON m.id = :message
        WHERE r.id = :recipient
    ), shards AS MATERIALIZED (
        SELECT DISTINCT shard
        FROM bearer, LATERAL (
            VALUES ({SHARD_OF_ID.format("id")}), ({SHARD_OF_HASH.format("hash")})
        ) AS s (shard)
        WHERE shard IS NOT NULL ORDER BY shard
    ), locked AS MATERIALIZED (
        SELECT count({LOCK_SHARD_ALONE.format("shard")}) AS shards FROM shards
    )"""  # noqa: S608 - constants of our own
"""The person, the address, and the locks that keep gates off both."""

_AT_ONCE: Final = f"""
    WITH {_BEARER}, there AS MATERIALIZED (
        SELECT id FROM recipients WHERE id = :recipient AND (SELECT shards FROM locked) > 0
        FOR KEY SHARE
    ), known AS MATERIALIZED (
        SELECT bearer.*, p.subscribed, p.consent_id AS chosen_by, o.consent_id AS left_by
        FROM there JOIN bearer ON bearer.id = there.id
        LEFT JOIN preferences p ON p.recipient_id = bearer.id AND p.topic = :topic AND p.channel = :channel
        LEFT JOIN address_optouts o ON o.address_hash = hash AND o.topic = :topic AND o.channel = :channel
    ), change AS MATERIALIZED (
        SELECT known.*, CASE WHEN left_by IS NULL THEN subscribed ELSE FALSE END AS before FROM known
        WHERE subscribed IS DISTINCT FROM FALSE OR (hash IS NOT NULL AND left_by IS NULL)
    ), entry AS (
        INSERT INTO consent_records
            (recipient_id, at, topic, channel, subscribed, way, locale, message_id, proof_hash)
        SELECT id, :at, :topic, :channel, FALSE, :way, coalesce(:locale, locale), :message, :proof_hash
        FROM change
        RETURNING id
    ), proof AS (
        INSERT INTO consent_proofs (consent_id, proof_sealed, created_at)
        SELECT id, :proof_sealed, :at FROM entry
    ), preference AS (
        INSERT INTO preferences (recipient_id, topic, channel, subscribed, changed_at, consent_id)
        SELECT change.id, :topic, :channel, FALSE, :at, entry.id FROM change, entry
        ON CONFLICT (recipient_id, topic, channel) DO UPDATE
        SET subscribed = FALSE, changed_at = excluded.changed_at, consent_id = excluded.consent_id
        WHERE preferences.consent_id = (SELECT chosen_by FROM change)
        RETURNING 1
    ), barred AS (
        INSERT INTO address_optouts (address_hash, topic, channel, opted_out_at, consent_id)
        SELECT hash, :topic, :channel, :at, entry.id FROM change, entry WHERE hash IS NOT NULL
        ON CONFLICT (address_hash, topic, channel) DO UPDATE
        SET opted_out_at = excluded.opted_out_at, consent_id = excluded.consent_id
        WHERE address_optouts.consent_id = (SELECT left_by FROM change)
        RETURNING 1
    ), kept AS (
        INSERT INTO undo_tokens (digest, recipient_id, consent_ids, changes, broad, expires_at)
        SELECT :digest, change.id, jsonb_build_array(entry.id), jsonb_build_array(jsonb_build_object(
            'topic', :topic, 'channel', :channel, 'subscribed', FALSE, 'before', before)), FALSE, :expires_at
        FROM change, entry
    )
    SELECT change.address_sealed, change.locale, CASE
        WHEN (SELECT count(*) FROM preference) = 1
            AND (SELECT count(*) FROM barred) = CASE WHEN hash IS NULL THEN 0 ELSE 1 END
        THEN entry.id ELSE 1 / (entry.id - entry.id) END
    FROM change, entry
"""  # noqa: S608 - constants of our own
"""What was read may have been overtaken while the locks were waited for: then the division ends all of it.

A row that is locked is looked at as it is by then: `there` is empty if the wait was for an erasure.
"""


def _at_once(_dialect: str) -> TextClause:
    kinds: dict[str, type[TypeEngine[Any]] | TypeEngine[Any]] = {
        "recipient": BigInteger,
        "at": UtcDateTime,
        "topic": SmallInteger,
        "channel": String,
        "way": String,
        "locale": String,
        "message": BigInteger,
        "proof_hash": LargeBinary,
        "proof_sealed": LargeBinary,
        "digest": LargeBinary,
        "expires_at": UtcDateTime,
    }
    return text(_AT_ONCE).bindparams(*(bindparam(name, type_=kind) for name, kind in kinds.items()))


AT_ONCE: Final = Prepared(_at_once)
"""PostgreSQL: all of an ordinary opt-out. Returns the sealed address, the language, the ledger's entry.

No row: the person is gone or has left before. DivisionByZero: try again, step by step.
"""
