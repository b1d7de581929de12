"""Somebody whom news reaches, for tests of the preference centre."""

from datetime import date, timedelta

from notify.domain.catalogue import Channel
from notify.domain.consent import Scope
from notify.domain.recipients import PolicyAcceptance
from notify.domain.requests import Proof, RecipientInput
from notify.usecases.centre.views import CentreView
from tests.world import EMAIL, PHONE, World

CENTRE = Proof(source="preference_centre", wording="Faire une pause / 30 jours")
NEWS = [(topic, by) for topic in ("company_news", "product_offers", "surveys") for by in ("email", "sms")]


def reached(world: World) -> World:
    """Have Awa, of Senegal, accept the policy and get an order update."""
    accepted = PolicyAcceptance("2026-01", world.clock() - timedelta(days=9), "signup")
    world.order()
    world.parts.upsert_recipient(RecipientInput("C-1042", {"customer_since": date(2026, 1, 5)}, accepted))
    world.work()
    return world


def came(world: World, topic: str = "company_news", recipient: str = "C-1042") -> bool:
    return world.subscribed(topic, Channel.EMAIL, recipient)


def told(world: World, way: str, recipient: str = "C-1042") -> list[tuple[str, str, bool]]:
    entries = world.parts.lookups.consents(recipient)["items"]
    return [(one["topic"], one["channel"], one["subscribed"]) for one in entries if one["source"] == way]


def ticked(view: CentreView) -> set[tuple[str, str]]:
    return {(row.topic.name, row.channel.value) for row in view.rows if row.subscribed}


def bar(world: World, channel: Channel, scope: Scope, reason: str) -> None:
    address = EMAIL if channel is Channel.EMAIL else PHONE
    with world.parts.store.write() as tx:
        value = tx.suppressions.hash_of(channel, address)
        tx.suppressions.bar(channel, value, scope, reason=reason, masked=None, now=world.clock())
