"""A pause goes along with the person whose address changes: they asked for quiet, not the address."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from notify.domain.addresses import masked
from notify.domain.catalogue import Channel
from notify.domain.consent import Scope
from notify.domain.delivery import StoredRecipient
from notify.domain.suppressions import PAUSE
from notify.ports import Vault
from notify.storage.consent_tables import Suppression
from notify.storage.suppressions import SqlSuppressions
from notify.storage.tables import Recipient

Moved = tuple[StoredRecipient, StoredRecipient]
"""The same person before and after."""


def move_pauses(connection: Connection, vault: Vault, people: Sequence[Moved], now: datetime) -> None:
    """Pause the new addresses of people, until the day that they chose for the old ones.

    Old ones stay paused for others who have them, else no longer: whoever resumes at a new address and comes
    back to the old one is not paused there again. It holds off no gates: a gate reads the address and what
    bars it in one statement, so it finds both as they were before, or both as they are after. Of those at a
    new address the longest pause counts.
    """
    moved = [both for both in people if both[1].hashes and both[0].hashes != both[1].hashes]
    ends = _ends(connection, [one for both in moved for one in both], now) if moved else {}
    if not ends:
        return
    suppressions = SqlSuppressions(connection, vault)
    for (channel, value), (person, until) in sorted(_wanted(moved, ends).items(), key=lambda one: one[0]):
        suppressions.bar(
            channel,
            value,
            Scope.MARKETING,
            reason=PAUSE,
            masked=masked(channel, person.profile.address(channel)),
            now=now,
            until=until,
        )
    for channel, hashes in _abandoned(connection, moved, ends):
        suppressions.lift(channel, hashes, PAUSE)


def _fresh(before: StoredRecipient, after: StoredRecipient) -> list[tuple[Channel, bytes]]:
    """Return the addresses that somebody had none of before."""
    return [(by, value) for by, value in after.hashes.items() if before.hashes.get(by) != value]


def _ends(
    connection: Connection, people: Sequence[StoredRecipient], now: datetime
) -> Mapping[tuple[Channel, bytes], datetime]:
    """Return until when addresses are paused."""
    hashes = {value for one in people for value in one.hashes.values()}
    rows = connection.execute(
        select(Suppression.channel, Suppression.address_hash, Suppression.expires_at).where(
            Suppression.address_hash.in_(hashes), Suppression.reason == PAUSE, Suppression.expires_at > now
        )
    )
    return {(Channel(channel), value): until for channel, value, until in rows if until}


def _abandoned(
    connection: Connection, moved: Sequence[Moved], ends: Mapping[tuple[Channel, bytes], datetime]
) -> Iterator[tuple[Channel, list[bytes]]]:
    """Yield the paused addresses that people had and nobody has any more, by channel."""
    for channel, column in ((Channel.EMAIL, Recipient.email_hash), (Channel.SMS, Recipient.phone_hash)):
        theirs = {before.hashes.get(channel) for before, _ in moved}
        left = {value for value in theirs if value and (channel, value) in ends}
        if left:
            yield channel, sorted(left - set(connection.scalars(select(column).where(column.in_(left)))))


def _wanted(
    moved: Sequence[Moved], ends: Mapping[tuple[Channel, bytes], datetime]
) -> dict[tuple[Channel, bytes], tuple[StoredRecipient, datetime]]:
    """Return which addresses are to be paused longer than they are, whose, and until when."""
    wanted: dict[tuple[Channel, bytes], tuple[StoredRecipient, datetime]] = {}
    for before, after in moved:
        theirs = [ends[key] for key in before.hashes.items() if key in ends]
        if not theirs:
            continue
        until = max(theirs)
        for key in _fresh(before, after):
            paused = wanted[key][1] if key in wanted else ends.get(key)
            if paused is None or paused < until:
                wanted[key] = (after, until)
    return wanted
