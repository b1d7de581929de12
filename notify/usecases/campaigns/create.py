"""Create a campaign: a draft, checked as far as a draft can be."""

from typing import Any

from notify.domain import ids
from notify.domain.campaigns import Campaign, CampaignDraft, CampaignStatus
from notify.domain.errors import InvalidRequestError
from notify.domain.requests import Idempotency
from notify.domain.times import rfc3339, rfc3339_or_none
from notify.domain.views import CampaignView
from notify.ports import Clock
from notify.store import Store
from notify.usecases.campaigns.checking import CampaignCheck


class CreateCampaign:
    """Stores a draft that could be scheduled as it is."""

    def __init__(self, store: Store, check: CampaignCheck, clock: Clock) -> None:
        self._store = store
        self._check = check
        self._clock = clock

    def __call__(
        self, draft: CampaignDraft, *, test: bool = False, idempotency: Idempotency | None = None
    ) -> CampaignView:
        """Create it. `test`: its messages end in the outbox. InvalidRequestError names every problem.

        With `idempotency`, a repeated call returns the first call's answer and does nothing; a refused one
        leaves its key free. IdempotencyMismatchError, IdempotencyInProgressError.
        """
        now = self._clock()
        with self._store.write() as tx:
            if idempotency:
                saved = tx.notifications.begin_idempotent(idempotency.key, idempotency.request, now)
                if saved is not None:
                    return _view(draft, saved[0])
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
                expires_at=draft.expires_at,
            )
            number = tx.campaigns.add(campaign, draft.content, now)
            made = {"id": ids.public(ids.CAMPAIGN, number), "created_at": rfc3339(now), "test": test}
            if idempotency:
                tx.notifications.save_results(idempotency.key, [made])
        return _view(draft, made)


def _view(draft: CampaignDraft, made: dict[str, Any]) -> CampaignView:
    """Show a new campaign. The same request has the same draft, so that only the rest is saved with a key."""
    return {
        "id": made["id"],
        "name": draft.name,
        "topic": draft.topic,
        "channels": list(draft.channels),
        "template": draft.template,
        "content": dict(draft.content),
        "audience": None if draft.audience is None else dict(draft.audience),
        "throttle": draft.throttle,
        "test": made["test"],
        "status": CampaignStatus.DRAFT,
        "reason": None,
        "send_at": None,
        "timezone": None,
        "send_past": False,
        "expires_at": rfc3339_or_none(draft.expires_at),
        "created_at": made["created_at"],
        "started_at": None,
        "finished_at": None,
        "progress": {"total": 0, "pending": 0},
    }
