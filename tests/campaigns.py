"""A newsletter in a test's world: people who want it, and what a campaign is made of."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from notify.domain.campaigns import CampaignDraft, Schedule
from notify.domain.catalogue import Channel
from notify.domain.recipients import ProfilePatch
from notify.domain.requests import Choice, Lane, Proof, RecipientInput
from notify.domain.views import CampaignView
from notify.store import Store
from notify.usecases.campaigns.run import RunCampaigns
from tests.world import World

CONTENT: Mapping[str, Mapping[str, str]] = {
    "fr": {
        "subject": "Les nouvelles",
        "preheader": "De la semaine",
        "body": "Bonjour,\n\nvoici les **nouvelles**.",
        "sms": "Les nouvelles",
    },
    "en": {
        "subject": "The news",
        "preheader": "Of the week",
        "body": "Hello,\n\nthe **news**.",
        "sms": "The news",
    },
}
OPT_IN = Proof(source="form", wording="Oui, je veux les nouvelles")


class Newsroom:
    """Makes readers and campaigns in a world, and runs the pump by hand."""

    def __init__(
        self,
        world: World,
        *,
        largest_slice: int = 5000,
        most_ahead: int = 20_000,
        store: Store | None = None,
    ) -> None:
        """`store` is the pump's, where it is not the world's."""
        parts = world.parts
        self.world = world
        self.desk = parts.campaigns
        self.run = RunCampaigns(
            store=store or parts.store,
            policy=parts.policy,
            hours=parts.lawful_hours,
            wake_ups=world.wake_ups,
            telemetry=world.telemetry,
            clock=world.clock,
            largest_slice=largest_slice,
            most_ahead=most_ahead,
        )
        self.watch = parts.watch_campaigns

    def reader(
        self,
        recipient: str,
        *,
        topic: str = "company_news",
        channels: tuple[Channel, ...] = (Channel.EMAIL,),
        **profile: Any,
    ) -> str:
        """Make a recipient who opted in; return the shop's id."""
        given: ProfilePatch = {"email": f"{recipient.lower()}@example.com", "country": "FR"}
        given.update(profile)  # type: ignore[typeddict-item]
        self.stranger(recipient, **given)
        self.world.parts.change_preferences(
            recipient, [Choice(topic, channel, subscribed=True) for channel in channels], OPT_IN
        )
        return recipient

    def stranger(self, recipient: str, **profile: Any) -> str:
        """Make a recipient who never chose."""
        self.world.parts.upsert_recipient(RecipientInput(recipient, ProfilePatch(**profile)))  # type: ignore[typeddict-item]
        return recipient

    def draft(self, **more: Any) -> CampaignView:
        """Create a campaign by e-mail about the company's news."""
        given: dict[str, Any] = {
            "name": "Thursday",
            "topic": "company_news",
            "channels": (Channel.EMAIL,),
            "content": CONTENT,
        }
        test = more.pop("test", False)
        return self.desk.create(CampaignDraft(**given | more), test=test)

    def send(self, schedule: Schedule | None = None, **more: Any) -> str:
        """Create a campaign and schedule it, for now where nothing else is said; return its id."""
        found = self.draft(**more)
        self.desk.schedule(found["id"], schedule or Schedule())
        return found["id"]

    def pump(self) -> None:
        """Run the pump until there is nothing to do for now."""
        while self.run():
            pass

    def finish(self) -> None:
        """Run the pump and the door until all that is due went out."""
        self.pump()
        while self.world.deliver(Lane.BULK):
            pass
        self.world.work()
        self.world.clock.advance(timedelta(minutes=1))
        self.pump()

    def look(self, campaign_id: str) -> CampaignView:
        """Return a campaign as it is now; its parts add up, whenever that is."""
        found = self.desk.lookups.campaign(campaign_id)
        progress = found["progress"]
        assert sum(count for name, count in progress.items() if name != "total") == progress["total"]
        assert all(count >= 0 for count in progress.values())
        return found

    def progress(self, campaign_id: str) -> dict[str, int]:
        """Return its numbers, without those that are 0."""
        return {name: count for name, count in self.look(campaign_id)["progress"].items() if count}


def at(*when: int) -> datetime:
    """Return a moment in UTC."""
    return datetime(*when, tzinfo=UTC)  # type: ignore[misc, arg-type]


SINCE = date(2026, 1, 5)
