"""Pin a campaign's content: what it is made into stands, whatever changes later."""

from dataclasses import dataclass
from datetime import datetime

from notify.domain.campaigns import Campaign, CampaignChanges
from notify.domain.catalogue import Catalogue
from notify.domain.errors import ConflictError, FieldProblem, InvalidRequestError
from notify.domain.newsletters import Pinned
from notify.ports import Templates
from notify.store import Transaction


@dataclass(frozen=True, slots=True)
class Pinning:
    """Renders campaigns. `mailto`: whether this installation's links have a mail address."""

    templates: Templates
    catalogue: Catalogue
    mailto: bool

    def __call__(self, tx: Transaction, campaign: Campaign) -> Pinned:
        """Return what the content is made into as of now. InvalidRequestError, ConflictError."""
        topic = self.catalogue.numbered(campaign.topic)
        if topic is None:
            raise ConflictError("the topic of this campaign is no longer declared")
        content = tx.campaigns.content(campaign.number)
        problems = self.templates.campaign_problems(campaign.template, topic, campaign.channels, content)
        if problems:  # templates may have changed since it was written
            raise InvalidRequestError([FieldProblem(one.pointer, one.detail) for one in problems])
        return self.templates.pin(campaign.template, topic, content, mailto=self.mailto)


def pinned_changes(pinned: Pinned, now: datetime) -> CampaignChanges:
    """Return the columns that keep what was pinned."""
    return {"pinned": pinned.to_json(), "pinned_at": now}
