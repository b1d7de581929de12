"""Schedule a campaign, and take that back."""

from notify.domain import ids
from notify.domain.campaigns import (
    Act,
    Schedule,
    expiry_problems,
    first_moment,
    moved,
    refuse_trial,
    schedule_problems,
    written,
)
from notify.domain.errors import InvalidRequestError
from notify.domain.views import CampaignView
from notify.ports import Clock
from notify.store import Store
from notify.store.lookups import CampaignLookups
from notify.usecases.campaigns.pinning import Pinning, pinned_changes


class ScheduleCampaign:
    """Pins a draft's content and sets when it starts; the pump does the rest."""

    def __init__(self, store: Store, pinning: Pinning, lookups: CampaignLookups, clock: Clock) -> None:
        self._store = store
        self._pinning = pinning
        self._lookups = lookups
        self._clock = clock

    def __call__(self, campaign_id: str, schedule: Schedule, *, test: bool = False) -> CampaignView:
        """Schedule it. NotFoundError, ConflictError, InvalidRequestError.

        `test`: the caller only tries things out, and may not send what goes out in earnest.
        """
        number = ids.number_of(ids.CAMPAIGN, campaign_id)
        now = self._clock()
        with self._store.write() as tx:
            campaign = tx.campaigns.get(number, lock=True)
            refuse_trial(campaign, test=test)
            status = moved(Act.SCHEDULE, campaign.status)
            problems = schedule_problems(schedule, now) or expiry_problems(campaign.expires_at, schedule, now)
            if problems:
                raise InvalidRequestError(problems)
            tx.campaigns.change(
                number,
                {
                    **pinned_changes(self._pinning(tx, campaign), now),
                    "status": status,
                    "send_at": written(schedule),
                    "timezone": schedule.timezone,
                    "send_past": schedule.send_past,
                    "start_at": first_moment(schedule, now),
                },
                now,
            )
        return self._lookups.campaign(campaign_id)


class UnscheduleCampaign:
    """Makes a scheduled campaign a draft again; what was pinned stays until it is scheduled anew."""

    def __init__(self, store: Store, lookups: CampaignLookups, clock: Clock) -> None:
        self._store = store
        self._lookups = lookups
        self._clock = clock

    def __call__(self, campaign_id: str) -> CampaignView:
        """Take the schedule back. NotFoundError, ConflictError."""
        number = ids.number_of(ids.CAMPAIGN, campaign_id)
        with self._store.write() as tx:
            campaign = tx.campaigns.get(number, lock=True)
            tx.campaigns.change(
                number,
                {
                    "status": moved(Act.UNSCHEDULE, campaign.status),
                    "send_at": None,
                    "timezone": None,
                    "send_past": False,
                    "start_at": None,
                },
                self._clock(),
            )
        return self._lookups.campaign(campaign_id)
