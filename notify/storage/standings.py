"""What is known about recipients × topics × channels, read in one query for all of a batch."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    CompoundSelect,
    Connection,
    LargeBinary,
    Select,
    SmallInteger,
    String,
    cast,
    null,
    select,
    union_all,
)

from notify.domain.consent import Scope, Standing
from notify.storage.consent_tables import AddressOptOut, Preference, Suppression
from notify.storage.prepared import Prepared, among
from notify.storage.tables import Base
from notify.store import StandingKey

_Preferences = dict[tuple[int, int, str], tuple[bool, int]]
_Left = set[tuple[bytes, int, str]]
_Barred = dict[tuple[bytes, str], Scope]

_KNOWN: Final = (
    ("recipient_id", BigInteger),
    ("address_hash", LargeBinary),
    ("topic", SmallInteger),
    ("channel", String),
    ("subscribed", Boolean),
    ("consent_id", BigInteger),
    ("scope", String),
)
"""The columns that `_known` reads of each table that has them."""


def read_standings(connection: Connection, keys: Sequence[StandingKey]) -> list[Standing]:
    """Read preferences, opt-outs and suppressions of all keys, in one query."""
    recipient_ids = {recipient.id for recipient, _, _ in keys}
    hashes = {value for recipient, _, _ in keys for value in recipient.hashes.values()}
    given = {"recipient_ids": list(recipient_ids), "hashes": list(hashes)}
    return _standings(keys, _EVERYTHING.rows(connection, given))


def new_standings(keys: Sequence[StandingKey], bars: Sequence[tuple[Any, ...]]) -> list[Standing]:
    """Return the same of new recipients, who have chosen nothing yet, from what bars their addresses."""
    rows = [(None, value, topic, channel, None, None, scope) for value, topic, channel, scope in bars]
    return _standings(keys, rows)


def _standings(keys: Sequence[StandingKey], rows: Sequence[tuple[Any, ...]]) -> list[Standing]:
    preferences, left, barred = _known(rows)
    found = []
    for recipient, topic, channel in keys:
        address = recipient.hashes.get(channel)
        stored = preferences.get((recipient.id, topic, channel))
        found.append(
            Standing(
                country=recipient.profile.effective_country,
                has_address=address is not None,
                subscribed=stored[0] if stored else None,
                preference_consent_id=stored[1] if stored else None,
                address_opted_out=(address, topic, channel) in left,
                suppression=barred.get((address, channel)) if address else None,
                policy_consent_id=recipient.policy_consent_id,
                customer_since=recipient.profile.customer_since,
            )
        )
    return found


def _known(rows: Sequence[tuple[Any, ...]]) -> tuple[_Preferences, _Left, _Barred]:
    """Tell the rows of the three tables apart."""
    preferences: _Preferences = {}
    left: _Left = set()
    barred: _Barred = {}
    for recipient_id, address_hash, topic, channel, subscribed, consent_id, scope in rows:
        if recipient_id is not None:
            preferences[recipient_id, topic, channel] = (subscribed, consent_id)
        elif topic is not None:
            left.add((address_hash, topic, channel))
        elif barred.get((address_hash, channel)) is not Scope.ALL:  # the widest scope counts
            barred[address_hash, channel] = Scope(scope)
    return preferences, left, barred


def _like_known(table: type[Base]) -> Select[Any]:
    """Select from a table what it has of `_KNOWN`, and NULL for the rest."""
    columns: list[ColumnElement[Any]] = []
    for name, kind in _KNOWN:
        column = getattr(table, name, None)
        columns.append(cast(null(), kind).label(name) if column is None else column)
    return select(*columns)


def _everything(dialect: str) -> CompoundSelect[Any]:
    return union_all(
        _like_known(Preference).where(among(dialect, Preference.recipient_id, "recipient_ids")),
        _like_known(AddressOptOut).where(among(dialect, AddressOptOut.address_hash, "hashes")),
        _like_known(Suppression).where(among(dialect, Suppression.address_hash, "hashes")),
    )


_EVERYTHING: Final = Prepared(_everything)
