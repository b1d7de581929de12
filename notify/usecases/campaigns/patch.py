"""Change a campaign: a draft in everything, one under way in its throttle."""

from dataclasses import asdict, replace
from typing import Any, cast

from notify.domain import ids
from notify.domain.campaigns import (
    THROTTLED,
    Act,
    Campaign,
    CampaignChanges,
    CampaignDraft,
    CampaignPatch,
    moved,
)
from notify.domain.catalogue import Catalogue
from notify.domain.errors import InvalidRequestError
from notify.domain.views import CampaignView
from notify.ports import Clock
from notify.store import Store, Transaction
from notify.store.lookups import CampaignLookups
from notify.usecases.campaigns.checking import CampaignCheck, own_problems


class PatchCampaign:
    """Changes what is given, if the campaign as a whole still breaks no rule."""

    def __init__(
        self,
        store: Store,
        check: CampaignCheck,
        lookups: CampaignLookups,
        catalogue: Catalogue,
        clock: Clock,
    ) -> None:
        self._store = store
        self._check = check
        self._lookups = lookups
        self._catalogue = catalogue
        self._clock = clock

    def __call__(self, campaign_id: str, patch: CampaignPatch) -> CampaignView:
        """Change it. NotFoundError, ConflictError, InvalidRequestError."""
        number = ids.number_of(ids.CAMPAIGN, campaign_id)
        with self._store.write() as tx:
            campaign = tx.campaigns.get(number, lock=True)
            draft = replace(self._draft(tx, campaign), **patch)
            changes: dict[str, Any] = asdict(draft)
            if patch.keys() == {"throttle"} and campaign.status in THROTTLED:
                problems = own_problems(draft)  # what became of its template does not matter to its pace
            else:
                moved(Act.PATCH, campaign.status)
                topic, problems = self._check(tx, draft)
                changes["topic"] = topic.number if topic else None
            if problems:
                raise InvalidRequestError(problems)
            given = {name: changes[name] for name in patch}
            tx.campaigns.change(number, cast("CampaignChanges", given), self._clock())
        return self._lookups.campaign(campaign_id)

    def _draft(self, tx: Transaction, campaign: Campaign) -> CampaignDraft:
        return CampaignDraft(
            name=campaign.name,
            topic=self._catalogue.name_of(campaign.topic) or "",
            channels=campaign.channels,
            content=tx.campaigns.content(campaign.number),
            template=campaign.template,
            audience=campaign.audience,
            throttle=campaign.throttle,
            expires_at=campaign.expires_at,
        )
