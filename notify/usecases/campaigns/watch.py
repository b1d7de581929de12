"""Stop campaigns that people complain about, or that go to addresses that do not exist."""

from notify.domain import ids
from notify.domain.alerts import CAMPAIGN_STOPPED
from notify.domain.campaigns import CampaignStatus, may_have_to_stop, stop_reason
from notify.ports import Clock
from notify.store import Store
from notify.usecases.campaigns.pause import pause


class WatchCampaigns:
    """Looks at what came of each campaign that is sending; cheap when none is."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def __call__(self) -> int:
        """Run one round; return how many were paused."""
        with self._store.write() as tx:
            tx.campaigns.cancel_leftovers(self._clock())
            tx.campaigns.expire_leftovers(self._clock())
        with self._store.read() as tx:
            found = {
                number: stop_reason(tx.campaigns.progress(number, self._clock()), overridden)
                for number, overridden in tx.campaigns.sending().items()
                if may_have_to_stop(tx.campaigns.reports(number), overridden)
            }
        stopped = 0
        for number, reason in found.items():
            if reason is None:
                continue
            with self._store.write() as tx:
                campaign = tx.campaigns.get(number, lock=True)
                # One that somebody resumed in spite of this reason goes on.
                if campaign.status is CampaignStatus.SENDING and reason not in campaign.overridden:
                    pause(tx, campaign, reason, self._clock)
                    details = {"campaign": ids.public(ids.CAMPAIGN, number), "reason": reason.value}
                    tx.alerts.raise_alert(CAMPAIGN_STOPPED, details, self._clock())
                    stopped += 1
        return stopped
