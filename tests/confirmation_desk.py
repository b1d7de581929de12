"""An installation in which a customer is asked to confirm what they want."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from flask.testing import FlaskClient

from notify.app import create_app
from notify.domain.catalogue import Catalogue, Channel
from notify.domain.confirmations import Kind
from notify.domain.recipients import ProfilePatch
from notify.domain.requests import Choice, Proof, RecipientInput
from notify.rendering import load_catalogue
from tests.world import World, settings_for

NEWS = [Choice("company_news", Channel.EMAIL, subscribed=True)]
SHOP_PROOF = Proof("account page", "Oui, je veux les nouvelles.", ip="192.0.2.7")


@dataclass
class Desk:
    """An installation with one customer, who has got one order update."""

    world: World
    client: FlaskClient

    @property
    def recipient(self) -> int:
        with self.world.parts.store.read() as tx:
            found = tx.recipients.by_external_id("C-1042")
        assert found
        return found.id

    def change(self, patch: ProfilePatch) -> None:
        """Give the customer other addresses."""
        self.world.parts.upsert_recipient(RecipientInput("C-1042", patch))

    def ask(self, kind: Kind, channel: Channel = Channel.EMAIL) -> str:
        """Ask, deliver, and return the path of the link that came."""
        self.world.confirmations.ask(self.recipient, kind, "fr", channel=channel)
        self.world.work()
        text = (self.world.email if channel is Channel.EMAIL else self.world.sms).messages[-1].text
        return "/confirm/" + text.split("/confirm/")[1].split()[0]


@contextmanager
def asking_twice(database_url: str, directory: Path) -> Iterator[Desk]:
    """Open one whose company news have double opt-in."""
    settings = settings_for(database_url, directory)
    shipped = load_catalogue(settings.templates_dir)
    topics = Catalogue([replace(one, double_opt_in=one.name == "company_news") for one in shipped])
    world = World(settings, topics=topics)
    world.order()
    world.work()
    yield Desk(world, create_app(world.parts).test_client())
    world.parts.close()
