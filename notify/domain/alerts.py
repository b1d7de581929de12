"""Alerts: what an operator should look at, and how opt-outs that no person made would look."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from notify.domain.ledger import LINK, ONE_CLICK

OPTOUT_BURST: Final = "optout_burst"
"""Many opt-outs within seconds of sending: perhaps a mail scanner that posts."""
FORGED_POSTS: Final = "forged_posts"
"""A webhook's posts carry signatures that are none of its provider's: perhaps its key was changed there."""

WEBHOOK_DISABLED: Final = "webhook_endpoint_disabled"
"""An endpoint of the shop's is told nothing more."""

ERRAND_OVERDUE: Final = "errand_overdue"
"""A provider has not done for a week what it was asked to, as forgetting an address."""

JOURNAL_UNWRITABLE: Final = "journal_unwritable"
"""Opt-outs are not journalled outside the database."""

CAMPAIGN_FAILING: Final = "campaign_failing"
"""A campaign cannot go on, and is tried again and again."""

CAMPAIGN_STOPPED: Final = "campaign_stopped"
"""A campaign stopped itself: too many complained, or too many addresses do not exist."""

COMPLAINT_RATE: Final = "complaint_rate"
"""So many report newsletters as spam that mailbox providers begin to mind."""

ADVICE: Final[Mapping[str, str]] = {
    ERRAND_OVERDUE: "The log says what the provider answers; docs/privacy.md, Errands, says what it means.",
    JOURNAL_UNWRITABLE: "Give OPTOUT_JOURNAL a disk with room that the scheduler may write to.",
    WEBHOOK_DISABLED: "Mend the endpoint, enable it and replay what it missed; docs/webhooks.md says how.",
    OPTOUT_BURST: "A mail scanner may post to unsubscribe links; docs/operating.md, Alerts, says what to do.",
    CAMPAIGN_FAILING: "The scheduler's log has the error; the campaign goes on by itself once it is mended.",
    CAMPAIGN_STOPPED: "Look whom it goes to before it is resumed; complaints cost all mail its delivery.",
    COMPLAINT_RATE: "Look whom these newsletters go to, before providers block the domain for them.",
    FORGED_POSTS: "Compare the provider's webhook key with the one set here; it tries again for a day.",
}
"""What to do about alerts of a kind."""

BY_LINK: Final = frozenset({ONE_CLICK, LINK})
QUICK: Final = timedelta(seconds=10)
"""No crowd reads and decides this fast after a message was sent or arrived."""
BURST_WITHIN: Final = timedelta(minutes=5)
BURST_SIZE: Final = 20


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """An alert nobody has cleared: since when, how often, and what was known the last time."""

    kind: str
    at: datetime
    last_at: datetime
    count: int
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LinkOptOut:
    """One opt-out by a link: when, and when its message was sent, or reported as delivered before it."""

    number: int
    at: datetime
    reached_at: datetime | None
    campaign_id: int | None

    @property
    def quick(self) -> bool:
        """Whether it came within seconds of its message."""
        return self.reached_at is not None and self.at - self.reached_at <= QUICK


def burst(optouts: Collection[LinkOptOut]) -> Sequence[LinkOptOut]:
    """Return the quick ones of the last minutes if they are a burst, else nothing."""
    quick = sorted((one for one in optouts if one.quick), key=lambda one: one.at)
    if not quick:
        return []
    last = [one for one in quick if quick[-1].at - one.at <= BURST_WITHIN]
    return last if len(last) >= BURST_SIZE else []
