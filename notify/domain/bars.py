"""What bars a topic on an address, as its owner is told: a word for each kind, never the stored reason."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from notify.domain.catalogue import Purpose, Topic
from notify.domain.consent import Scope
from notify.domain.suppressions import (
    COMPLAINT,
    DISPUTED,
    HARD_BOUNCE,
    PAUSE,
    SOFT_BOUNCES,
    STOP,
    Suppressed,
)


class Bar(StrEnum):
    """Why nothing comes, from what can be undone least to what the person can take back."""

    DISPUTED = "disputed"
    BLOCKED = "blocked"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    STOPPED = "stopped"


_BY_REASON: Final[Mapping[str, Bar]] = {
    DISPUTED: Bar.DISPUTED,
    HARD_BOUNCE: Bar.BOUNCED,
    SOFT_BOUNCES: Bar.BOUNCED,
    COMPLAINT: Bar.COMPLAINED,
    STOP: Bar.STOPPED,
}
"""Every other reason is the shop's own, and none of a visitor's business."""

_ORDER: Final = {bar: place for place, bar in enumerate(Bar)}

LIFTED_BY_PERSON: Final[Mapping[Bar, str]] = {Bar.STOPPED: STOP, Bar.COMPLAINED: COMPLAINT}
"""What a person did, and so can take back: each with the reason of its suppressions."""

SHOWN: Final = frozenset({None, Bar.STOPPED, Bar.COMPLAINED, Bar.BOUNCED})
"""With these, whoever holds the link may go on seeing the masked address."""


def bar_on(topic: Topic, suppressed: Iterable[Suppressed]) -> Bar | None:
    """Return what bars a topic, a pause apart; where several do, the one that can be undone least."""
    found = {
        _BY_REASON.get(one.reason, Bar.BLOCKED)
        for one in suppressed
        if one.reason != PAUSE and (one.scope is Scope.ALL or topic.purpose is Purpose.MARKETING)
    }
    return min(found, key=_ORDER.__getitem__, default=None)


def paused_until(suppressed: Iterable[Suppressed]) -> datetime | None:
    """Return when the last pause ends, None where there is none."""
    return max((one.until for one in suppressed if one.reason == PAUSE and one.until), default=None)
