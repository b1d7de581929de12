"""What people do with campaigns, all in one place for who answers them."""

from notify.domain.catalogue import Catalogue
from notify.domain.eligibility import Policy
from notify.ports import Clock, Contacts, Templates, WakeUps
from notify.store import Store
from notify.store.lookups import CampaignLookups
from notify.usecases.campaigns.checking import CampaignCheck
from notify.usecases.campaigns.create import CreateCampaign
from notify.usecases.campaigns.estimate import EstimateCampaign
from notify.usecases.campaigns.patch import PatchCampaign
from notify.usecases.campaigns.pause import CancelCampaign, PauseCampaign, ResumeCampaign
from notify.usecases.campaigns.pinning import Pinning
from notify.usecases.campaigns.schedule import ScheduleCampaign, UnscheduleCampaign
from notify.usecases.campaigns.send_tests import SendTests
from notify.usecases.campaigns.sms_costs import SmsCosts


class CampaignDesk:
    """The use cases of campaigns that a person or a caller asks for."""

    def __init__(
        self,
        *,
        store: Store,
        templates: Templates,
        catalogue: Catalogue,
        contacts: Contacts,
        wake_ups: WakeUps,
        lookups: CampaignLookups,
        clock: Clock,
        policy: Policy,
        costs: SmsCosts,
        mailto: bool,
    ) -> None:
        """`mailto`: whether this installation receives mail that unsubscribes."""
        check = CampaignCheck(templates, catalogue)
        pinning = Pinning(templates, catalogue, mailto)
        self.lookups = lookups
        self.create = CreateCampaign(store, check, clock)
        self.patch = PatchCampaign(store, check, lookups, catalogue, clock)
        self.estimate = EstimateCampaign(store, pinning, policy, costs)
        self.schedule = ScheduleCampaign(store, pinning, lookups, clock)
        self.unschedule = UnscheduleCampaign(store, lookups, clock)
        self.test = SendTests(store, pinning, contacts, wake_ups, clock)
        self.pause = PauseCampaign(store, lookups, clock)
        self.resume = ResumeCampaign(store, lookups, wake_ups, clock)
        self.cancel = CancelCampaign(store, lookups, clock)
