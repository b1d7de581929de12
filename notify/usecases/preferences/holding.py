"""Read again once gates are held off: the wait may have been for an erasure, or for another's opt-out."""

from collections.abc import Callable, Collection
from typing import TypeVar

from notify.domain.delivery import StoredRecipient
from notify.store import Transaction

T = TypeVar("T")

Gates = tuple[Collection[int], Collection[bytes]]
"""People and addresses."""


def held(tx: Transaction, read: Callable[[], T], gates_of: Callable[[T], Gates]) -> T:
    """Keep the gates of what `read` finds shut until commit, and return what it finds by then."""
    found = read()
    while True:
        people, hashes = gates_of(found)
        tx.consents.lock_out_gates(people, hashes)
        found = read()
        people_now, hashes_now = gates_of(found)
        if set(people_now) <= set(people) and set(hashes_now) <= set(hashes):
            return found


def held_person(tx: Transaction, read: Callable[[], StoredRecipient]) -> StoredRecipient:
    """Do so for one person and their addresses; what `read` raises is raised."""
    return held(tx, read, lambda one: ([one.id], one.hashes.values()))
