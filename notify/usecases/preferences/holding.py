"""Read again once gates are held off: the wait may have been for an erasure, or for another's opt-out."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

from notify.domain.catalogue import Channel
from notify.domain.delivery import StoredRecipient
from notify.store import Transaction

T = TypeVar("T")

Address = tuple[Channel, bytes]
"""By its keyed hash."""

Holders = Mapping[Address, Sequence[StoredRecipient]]
"""Who has addresses."""

Gates = tuple[Collection[int], Collection[bytes]]
"""People and addresses."""


def held(tx: Transaction, read: Callable[[], T], gates_of: Callable[[T], Gates]) -> T:
    """Keep the gates of what `read` finds shut until commit, and return what it finds by then.

    Where that is more than was locked, the locks are given back and all are taken in order: whoever added to
    those it holds would deadlock with others.
    """
    found_people, found_hashes = gates_of(read())
    people, hashes = set(found_people), set(found_hashes)
    tx.consents.before_locks()
    while True:
        tx.consents.lock_out_gates(people, hashes)
        found = read()
        found_people, found_hashes = gates_of(found)
        if people.issuperset(found_people) and hashes.issuperset(found_hashes):
            return found
        people.update(found_people)
        hashes.update(found_hashes)
        tx.consents.give_locks_back()


def held_person(tx: Transaction, read: Callable[[], StoredRecipient]) -> StoredRecipient:
    """Do so for one person and their addresses; what `read` raises is raised."""
    return held(tx, read, lambda one: ([one.id], one.hashes.values()))


def held_holders(tx: Transaction, addresses: Collection[Address]) -> Holders:
    """Do so for addresses and all who have them; return who does."""
    return held(
        tx,
        lambda: holders_of(tx, addresses),
        lambda known: (
            {one.id for having in known.values() for one in having},
            {value for _, value in addresses},
        ),
    )


def holders_of(tx: Transaction, addresses: Collection[Address]) -> Holders:
    """Return who has each of these addresses now."""
    found: dict[Address, list[StoredRecipient]] = {}
    for channel in Channel:
        hashes = sorted(value for by, value in addresses if by is channel)
        for person in tx.recipients.having(channel, hashes) if hashes else ():
            found.setdefault((channel, person.hashes[channel]), []).append(person)
    return found
