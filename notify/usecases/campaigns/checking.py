"""What of a campaign breaks a rule."""

from dataclasses import dataclass
from typing import Final

from notify.domain.audience import parse_audience
from notify.domain.campaigns import CampaignDraft
from notify.domain.catalogue import Catalogue, Purpose, Topic
from notify.domain.errors import FieldProblem, InvalidRequestError, NotFoundError
from notify.ports import Templates
from notify.store import Transaction

MAX_NAME: Final = 200
"""Characters of a campaign's name."""

MAX_THROTTLE: Final = 1_000_000
"""Messages a minute: more than any provider takes."""


@dataclass(frozen=True, slots=True)
class CampaignCheck:
    """Checks a draft against the topics, the templates and the other campaigns of this installation."""

    templates: Templates
    catalogue: Catalogue

    def __call__(self, tx: Transaction, draft: CampaignDraft) -> tuple[Topic | None, list[FieldProblem]]:
        """Return its topic, and every problem; pointers are into the campaign as it was posted."""
        problems = own_problems(draft)
        topic = self.catalogue.named(draft.topic)
        if topic is None:
            problems.append(FieldProblem("/topic", "is not declared here"))
        elif topic.purpose is not Purpose.MARKETING:
            problems.append(FieldProblem("/topic", "must be a marketing one: a campaign carries news"))
        else:
            problems += self.templates.campaign_problems(draft.template, topic, draft.channels, draft.content)
        problems += _audience_problems(tx, draft)
        return topic, problems


def own_problems(draft: CampaignDraft) -> list[FieldProblem]:
    """Return what is wrong with a draft by itself, whatever topics and templates there are."""
    problems = []
    if not 0 < len(draft.name.strip()) <= len(draft.name) <= MAX_NAME:
        problems.append(FieldProblem("/name", f"must have 1 to {MAX_NAME} characters"))
    if not draft.channels or len(set(draft.channels)) < len(draft.channels):
        problems.append(FieldProblem("/channels", "must name each channel once, and at least one"))
    if draft.throttle is not None and not 1 <= draft.throttle <= MAX_THROTTLE:
        problems.append(FieldProblem("/throttle", f"must be 1 to {MAX_THROTTLE} messages a minute"))
    return problems


def _audience_problems(tx: Transaction, draft: CampaignDraft) -> list[FieldProblem]:
    try:
        audience = parse_audience(draft.audience)
        if audience.failed_in is not None:
            tx.campaigns.get(audience.failed_in)
    except InvalidRequestError as error:
        return list(error.problems)
    except NotFoundError:
        return [FieldProblem("/audience/failed_in", "is no campaign's id")]
    return []
