"""Pause a campaign, resume it, or end it: exact from the moment of the answer."""

from notify.domain import ids
from notify.domain.campaigns import Act, Campaign, CampaignChanges, moved, refuse_trial
from notify.domain.requests import Lane
from notify.domain.views import CampaignView
from notify.ports import Clock, WakeUps
from notify.store import Store, Transaction
from notify.store.lookups import CampaignLookups
from notify.usecases.outbound_webhooks.telling_cancelled import tell_later


def pause(tx: Transaction, campaign: Campaign, reason: str | None, clock: Clock) -> None:
    """Pause a locked campaign: nothing of it passes a gate after the commit. ConflictError."""
    status = moved(Act.PAUSE, campaign.status)
    tx.campaigns.change(campaign.number, {"status": status, "reason": reason}, clock())
    tx.campaigns.pause_dispatches(campaign.number)


class PauseCampaign:
    """Pauses a campaign that is sending."""

    def __init__(self, store: Store, lookups: CampaignLookups, clock: Clock) -> None:
        self._store = store
        self._lookups = lookups
        self._clock = clock

    def __call__(self, campaign_id: str) -> CampaignView:
        """Pause it. NotFoundError, ConflictError."""
        number = ids.number_of(ids.CAMPAIGN, campaign_id)
        with self._store.write() as tx:
            pause(tx, tx.campaigns.get(number, lock=True), None, self._clock)
        return self._lookups.campaign(campaign_id)


class ResumeCampaign:
    """Resumes a paused campaign.

    The reason for which it stopped itself will not stop it again, as a person has decided; another will.
    """

    def __init__(self, store: Store, lookups: CampaignLookups, wake_ups: WakeUps, clock: Clock) -> None:
        self._store = store
        self._lookups = lookups
        self._wake_ups = wake_ups
        self._clock = clock

    def __call__(self, campaign_id: str, *, test: bool = False) -> CampaignView:
        """Resume it. NotFoundError, ConflictError.

        `test`: the caller only tries things out, and may not send what goes out in earnest.
        """
        number = ids.number_of(ids.CAMPAIGN, campaign_id)
        with self._store.write() as tx:
            campaign = tx.campaigns.get(number, lock=True)
            refuse_trial(campaign, test=test)
            status = moved(Act.RESUME, campaign.status)
            changes: CampaignChanges = {"status": status, "next_slice_at": None}
            if campaign.reason is not None:
                changes |= {"overridden": sorted({*campaign.overridden, campaign.reason}), "reason": None}
            tx.campaigns.change(number, changes, self._clock())
            tx.campaigns.resume_dispatches(number)
        self._wake_ups.ring(Lane.BULK, ())
        return self._lookups.campaign(campaign_id)


class CancelCampaign:
    """Ends a campaign; what no provider was called for yet is cancelled."""

    def __init__(self, store: Store, lookups: CampaignLookups, clock: Clock) -> None:
        self._store = store
        self._lookups = lookups
        self._clock = clock

    def __call__(self, campaign_id: str) -> CampaignView:
        """Cancel it. NotFoundError, ConflictError."""
        number = ids.number_of(ids.CAMPAIGN, campaign_id)
        now = self._clock()
        with self._store.write() as tx:
            campaign = tx.campaigns.get(number, lock=True)
            status = moved(Act.CANCEL, campaign.status)
            tx.campaigns.change(number, {"status": status, "finished_at": now, "pumped": True}, now)
            tx.campaigns.cancel_dispatches(number, now)
            tell_later(tx, number, now)
        return self._lookups.campaign(campaign_id)
