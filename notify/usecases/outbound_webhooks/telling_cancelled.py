"""Tell the shop of the messages of a cancelled campaign: an errand, since there may be a million of them."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from notify.domain.errands import TELL_CANCELLED
from notify.domain.outbound import message_type
from notify.domain.status import Status
from notify.ports import Clock
from notify.store import Store, Transaction

_AT_ONCE: Final = 5_000
_CALLS_END_WITHIN: Final = timedelta(minutes=1)
"""What was in a call when its campaign was cancelled may come back, and is cancelled then."""


def tell_later(tx: Transaction, campaign: int, now: datetime) -> None:
    """Have it told, if anybody wants to know."""
    if tx.outbound.wanted([message_type(Status.CANCELLED)]):
        tx.errands.add(TELL_CANCELLED, {"campaign": campaign}, now + _CALLS_END_WITHIN)


class TellCancelled:
    """Does that errand, some messages in each transaction; after a crash it begins again."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def __call__(self, payload: Mapping[str, Any]) -> None:
        """Tell of all of them."""
        with self._store.read() as tx:
            dispatches = tx.outbound.cancelled_in(payload["campaign"])
        for some in _parted(dispatches):
            with self._store.write() as tx:
                tx.outbound.dispatches_moved(some, Status.CANCELLED, self._clock())


def _parted(dispatches: Iterable[tuple[int, int]]) -> Iterator[list[int]]:
    """Part dispatches, given with how many messages each has, into lists of not too many messages."""
    some: list[int] = []
    messages = 0
    for number, size in dispatches:
        if some and messages + size > _AT_ONCE:
            yield some
            some, messages = [], 0
        some.append(number)
        messages += size
    if some:
        yield some
