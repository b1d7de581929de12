"""Create a campaign: a draft, checked as far as a draft can be."""

from notify.domain import ids
from notify.domain.campaigns import Campaign, CampaignDraft, CampaignStatus
from notify.domain.errors import InvalidRequestError
from notify.domain.views import CampaignView
from notify.ports import Clock
from notify.store import Store
from notify.usecases.campaigns.checking import CampaignCheck
from notify.usecases.campaigns.lookups import CampaignLookups


class CreateCampaign:
    """Stores a draft that could be scheduled as it is."""

    def __init__(self, store: Store, check: CampaignCheck, lookups: CampaignLookups, clock: Clock) -> None:
        self._store = store
        self._check = check
        self._lookups = lookups
        self._clock = clock

    def __call__(self, draft: CampaignDraft, *, test: bool = False) -> CampaignView:
        """Create it. `test`: its messages end in the outbox. InvalidRequestError names every problem."""
        with self._store.write() as tx:
            topic, problems = self._check(tx, draft)
            if topic is None or problems:
                raise InvalidRequestError(problems)
            campaign = Campaign(
                number=0,
                name=draft.name,
                topic=topic.number,
                channels=draft.channels,
                template=draft.template,
                audience=draft.audience,
                throttle=draft.throttle,
                test=test,
                status=CampaignStatus.DRAFT,
            )
            number = tx.campaigns.add(campaign, draft.content, self._clock())
        return self._lookups.campaign(ids.public(ids.CAMPAIGN, number))
