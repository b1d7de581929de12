"""Follow the ledger for bursts of opt-outs that no crowd of people could make."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from notify.domain import ids
from notify.domain.alerts import BURST_WITHIN, BY_LINK, OPTOUT_BURST, burst
from notify.domain.ledger import SealedEntry
from notify.store import Transaction

_LOOKED_BACK: Final = 2_000
"""Entries before the new ones: a burst stands out of the last of the ledger, however busy that is."""
_CAMPAIGNS_NAMED: Final = 5


def watch_bursts(tx: Transaction, entries: Sequence[SealedEntry], now: datetime) -> None:
    """Raise an alert where too many left by their links within seconds of the message.

    A follower of the ledger. The opt-outs stand: each person can undo theirs, and nobody else.
    """
    by_link = [one for one in entries if one.way in BY_LINK and one.message_id and not one.subscribed]
    if not by_link or now - by_link[-1].at > BURST_WITHIN:
        return  # what is read late, as after a restore, is no news
    first, last = by_link[0].number, by_link[-1].number
    found = tx.alerts.link_opt_outs(max(1, first - _LOOKED_BACK), last, by_link[0].at - BURST_WITHIN)
    quick = burst(found)
    if quick and quick[-1].number >= first:
        campaigns = Counter(one.campaign_id for one in quick if one.campaign_id)
        named = {
            ids.public(ids.CAMPAIGN, one): count for one, count in campaigns.most_common(_CAMPAIGNS_NAMED)
        }
        tx.alerts.raise_alert(OPTOUT_BURST, {"optouts": len(quick), "campaigns": named}, now)
