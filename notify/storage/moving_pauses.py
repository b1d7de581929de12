"""A pause goes along with the person whose address changes: they asked for quiet, not the address."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import Connection, or_, select

from notify.domain.addresses import masked
from notify.domain.consent import Scope
from notify.domain.delivery import StoredRecipient
from notify.domain.suppressions import PAUSE
from notify.ports import Vault
from notify.storage.consent_tables import Suppression
from notify.storage.suppressions import SqlSuppressions

Moved = tuple[StoredRecipient, StoredRecipient]
"""The same person before and after."""


def move_pauses(connection: Connection, vault: Vault, people: Sequence[Moved], now: datetime) -> None:
    """Pause the new addresses of people who are paused, until the same day.

    Who is: whoever wanted a pause that goes on somewhere, or has an address that is paused. What they had
    stays paused. It holds off no gates: a gate reads the address and what bars it in one statement, so it
    finds both as they were before, or both as they are after.
    """
    moved = [both for both in people if both[1].hashes and both[0].hashes != both[1].hashes]
    ends = _ends(connection, [before for before, _ in moved], now) if moved else {}
    fresh = [
        (channel, value, after)
        for before, after in moved
        for channel, value in after.hashes.items()
        if after.id in ends and before.hashes.get(channel) != value
    ]
    suppressions = SqlSuppressions(connection, vault)
    for channel, value, person in sorted(fresh, key=lambda one: (one[0], one[1], one[2].id)):
        suppressions.bar(
            channel,
            value,
            Scope.MARKETING,
            reason=PAUSE,
            masked=masked(channel, person.profile.address(channel)),
            now=now,
            until=ends[person.id],
            paused_by=person.id,
        )


def _ends(connection: Connection, people: Sequence[StoredRecipient], now: datetime) -> Mapping[int, datetime]:
    """Return until when people are paused: by number, those alone who are."""
    hashes = {value for one in people for value in one.hashes.values()}
    numbers = [one.id for one in people]
    rows = connection.execute(
        select(
            Suppression.channel, Suppression.address_hash, Suppression.paused_by, Suppression.expires_at
        ).where(
            or_(Suppression.address_hash.in_(hashes), Suppression.paused_by.in_(numbers)),
            Suppression.reason == PAUSE,
            Suppression.expires_at > now,
        )
    )
    ends: dict[object, datetime] = {}  # by address, and by who wants them
    for channel, value, number, until in rows:
        for key in ((channel, value), number):
            ends[key] = max(cast("datetime", until), ends.get(key, now))
    found = {one.id: [ends[key] for key in (*one.hashes.items(), one.id) if key in ends] for one in people}
    return {number: max(several) for number, several in found.items() if several}
