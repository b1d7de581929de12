"""Who opts in where a regime subscribes them anyway: their choice is kept, and outlives the regime."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from notify.domain.catalogue import Channel
from notify.domain.imports import ImportedRow
from notify.domain.recipients import PolicyAcceptance
from notify.domain.requests import Choice, Proof, RecipientInput
from tests.world import CLICK, World

FORM = Proof("account page", "Oui, je veux les offres.")
OFFERS = "product_offers"
JOINS = Choice(OFFERS, Channel.EMAIL, subscribed=True)


def by_api(world: World) -> None:
    world.parts.change_preferences("C-1042", [JOINS], FORM)


def by_import(world: World) -> None:
    row = ImportedRow(1, RecipientInput("C-1042", {}, None), ((JOINS, FORM),))
    assert world.parts.import_recipients([row]).accepted == 1


def by_the_centre(world: World) -> None:
    """Tick the box on a page that was opened before messages came."""
    world.parts.preference_centre.change(world.centre_token(), [JOINS], CLICK, "fr")


def subscribed_by_policy(world: World) -> None:
    accepted = PolicyAcceptance("2026-01", world.clock(), "signup")
    world.parts.upsert_recipient(RecipientInput("C-1042", {"country": "SN"}, accepted))


def subscribed_by_purchase(world: World) -> None:
    given = RecipientInput("C-1042", {"country": "FR", "customer_since": date(2026, 1, 1)})
    world.parts.upsert_recipient(given)


def choices(world: World) -> list[Any]:
    found = world.parts.lookups.consents("C-1042")["items"]
    return [
        (one["topic"], one["channel"], one["subscribed"], one["wording"]) for one in found if one["topic"]
    ]


@pytest.mark.parametrize("regime", [subscribed_by_policy, subscribed_by_purchase])
@pytest.mark.parametrize("choose", [by_api, by_import, by_the_centre])
def test_an_opt_in_is_kept_once_and_outlives_the_regime(
    world: World, choose: Callable[[World], None], regime: Callable[[World], None]
) -> None:
    world.order()
    world.work()
    regime(world)
    assert world.subscribed(OFFERS, Channel.EMAIL)
    for _ in range(2):
        choose(world)
    wording = CLICK.wording if choose is by_the_centre else FORM.wording
    assert choices(world) == [(OFFERS, "email", True, wording)]
    world.parts.upsert_recipient(RecipientInput("C-1042", {"country": "FR", "customer_since": None}))
    assert world.subscribed(OFFERS, Channel.EMAIL)
    assert not world.subscribed(OFFERS, Channel.SMS)
    world.parts.seal_ledger()
    assert world.parts.verify_ledger(print).findings == 0


def test_what_comes_anyway_and_has_no_proof_or_needs_none_is_no_choice(world: World) -> None:
    world.order()
    subscribed_by_policy(world)
    world.parts.change_preferences("C-1042", [JOINS], None)
    orders = Choice("order_updates", Channel.EMAIL, subscribed=True)
    world.parts.change_preferences("C-1042", [orders], FORM)
    assert choices(world) == []


def test_what_was_confirmed_is_kept_where_a_purchase_came_first(world: World) -> None:
    world.order()
    world.work()
    world.parts.upsert_recipient(RecipientInput("C-1042", {"country": "DE"}))
    by_the_centre(world)
    world.work()
    token = world.email.messages[-1].text.split("/confirm/")[1].split()[0]
    world.parts.upsert_recipient(RecipientInput("C-1042", {"customer_since": date(2026, 1, 1)}))
    assert choices(world) == []
    world.parts.confirm(token, CLICK, "fr")
    assert [one[:3] for one in choices(world)] == [(OFFERS, "email", True)]
