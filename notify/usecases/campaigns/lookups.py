"""Look campaigns up, as callers see them."""

from typing import Protocol

from notify.domain.views import CampaignView, Page


class CampaignLookups(Protocol):
    """Campaigns with their progress. Ids are public ids; NotFoundError where there is nothing."""

    def campaign(self, campaign_id: str) -> CampaignView:
        """One campaign."""
        ...

    def campaigns(self, *, status: str | None = None, cursor: str | None = None, limit: int = 50) -> Page:
        """Campaigns, newest first. InvalidRequestError if the cursor is not one of ours."""
        ...
