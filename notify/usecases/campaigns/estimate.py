"""Say before a campaign is sent whom it reaches and what its SMS will cost."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from notify.domain import ids
from notify.domain.audience import parse_audience
from notify.domain.campaigns import Campaign, CampaignStatus
from notify.domain.catalogue import DEFAULT_LOCALE, Channel
from notify.domain.eligibility import Policy
from notify.domain.errors import ConflictError
from notify.domain.newsletters import Pinned
from notify.domain.views import ChannelEstimateView, EstimateView
from notify.store import Store, Transaction
from notify.store.campaigns import Kind
from notify.usecases.campaigns.pinning import Pinning
from notify.usecases.campaigns.sms_costs import SmsCosts

_BEFORE: Final = frozenset({CampaignStatus.DRAFT, CampaignStatus.SCHEDULED})


class EstimateCampaign:
    """Judges everybody as of now, all at once in the database; nothing is stored."""

    def __init__(self, store: Store, pinning: Pinning, policy: Policy, costs: SmsCosts) -> None:
        self._store = store
        self._pinning = pinning
        self._policy = policy
        self._costs = costs

    def __call__(self, campaign_id: str) -> EstimateView:
        """Estimate it. NotFoundError, ConflictError, InvalidRequestError."""
        number = ids.number_of(ids.CAMPAIGN, campaign_id)
        with self._store.read() as tx:
            campaign = tx.campaigns.get(number)
            if campaign.status not in _BEFORE:
                raise ConflictError(f"cannot estimate a campaign that is {campaign.status}: it has begun")
            scheduled = campaign.status is CampaignStatus.SCHEDULED
            pinned = (tx.campaigns.pinned(number) if scheduled else None) or self._pinning(tx, campaign)
            kinds = {channel: self._kinds(tx, campaign, channel) for channel in campaign.channels}
        texts = kinds.get(Channel.SMS)
        return {
            "recipients": {channel.value: _numbers(found) for channel, found in kinds.items()},
            "sms": None if texts is None else self._costs(pinned, campaign.topic, _going(texts, pinned)),
        }

    def _kinds(self, tx: Transaction, campaign: Campaign, channel: Channel) -> list[Kind]:
        topic = self._policy.catalogue.numbered(campaign.topic)
        if topic is None:
            raise ConflictError("the topic of this campaign is no longer declared")
        audience = parse_audience(campaign.audience)
        return tx.audiences.kinds(topic, channel, audience, self._policy.sms_countries)


def _numbers(kinds: Iterable[Kind]) -> ChannelEstimateView:
    counts: Counter[str | None] = Counter()
    for one in kinds:
        counts[one.reason] += one.people
    eligible = counts.pop(None, 0)
    return {
        "eligible": eligible,
        "left_out": {str(reason): counts[reason] for reason in sorted(counts, key=str)},
    }


def _going(kinds: Iterable[Kind], pinned: Pinned) -> Counter[tuple[str, str | None]]:
    found: Counter[tuple[str, str | None]] = Counter()
    for one in kinds:
        if one.reason is None:
            found[pinned.locale_on(one.locale or DEFAULT_LOCALE, Channel.SMS), one.phone_country] += (
                one.people
            )
    return found
