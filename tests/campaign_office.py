"""Marketing in a test's world: the API on the real use cases, with pump and door turned by hand."""

from typing import Any

from notify.app import create_app
from notify.domain.catalogue import Channel
from notify.domain.requests import Choice, Lane
from notify.usecases.api_keys import KeyScope
from tests.campaigns import Newsroom
from tests.doubles_api import bearer
from tests.world import CLICK, World

FRENCH = {
    "subject": "Les nouvelles",
    "body": "Bonjour {{ name | default('à tous') }}.",
    "sms": "Les nouvelles",
}
ENGLISH = {"subject": "The news", "body": "Hello {{ name | default('all') }}.", "sms": "The news"}


class Office:
    """Marketing at its desk: an API client in a world whose pump and door a test turns by hand."""

    def __init__(self, world: World, *, slices_of: int = 2) -> None:
        self.world = world
        self.news = Newsroom(world, largest_slice=slices_of)
        self.client = create_app(world.parts).test_client()
        self.headers = bearer(self.key())

    def key(self, *, test: bool = False) -> str:
        scopes = frozenset({KeyScope.CAMPAIGNS, KeyScope.READ})
        return self.world.parts.create_key("marketing", scopes, test=test, expires_at=None)

    def call(self, method: str, path: str, body: object = None, *, status: int = 200, **headers: str) -> Any:
        """Call, and return the answer's JSON; every campaign in it adds up."""
        answer = self.client.open(path, method=method, json=body, headers={**self.headers, **headers})
        assert answer.status_code == status, answer.text
        found = answer.get_json()
        if "progress" in found:
            progress = dict(found["progress"])
            total = progress.pop("total")
            assert sum(progress.values()) == total, found
            assert min(progress.values()) >= 0
        return found

    def write(self, **more: Any) -> str:
        given = {
            "name": "Thursday",
            "topic": "company_news",
            "channels": ["email"],
            "content": {"fr": FRENCH},
        }
        campaign: str = self.call("POST", "/v1/campaigns", {**given, **more}, status=201)["id"]
        return campaign

    def act(self, campaign: str, act: str, body: object = None, *, status: int = 200) -> Any:
        return self.call("POST", f"/v1/campaigns/{campaign}/{act}", body, status=status)

    def look(self, campaign: str) -> Any:
        return self.call("GET", f"/v1/campaigns/{campaign}")

    def progress(self, campaign: str) -> dict[str, int]:
        return {name: count for name, count in self.look(campaign)["progress"].items() if count}

    def messages(self, campaign: str, query: str = "") -> list[dict[str, Any]]:
        """Return all messages of a campaign, two a page."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = self.call("GET", f"/v1/messages?campaign_id={campaign}&limit=2{query}{cursor}")
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    def deliver_one(self) -> None:
        assert self.world.deliver(Lane.BULK) == 1

    def sent_to(self) -> list[str]:
        return sorted(one.to for one in self.world.email.messages)


def opt_out(world: World, recipient: str) -> None:
    world.parts.change_preferences(
        recipient, [Choice("company_news", Channel.EMAIL, subscribed=False)], CLICK
    )
