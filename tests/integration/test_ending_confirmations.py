"""What ends an opt-in that waits to be confirmed, on SQLite and on PostgreSQL."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from notify.domain.catalogue import Channel
from notify.domain.confirmations import Kind
from notify.domain.consent import Scope
from notify.domain.errors import (
    UnreachableError,
)
from notify.domain.event_moves import Reported
from notify.domain.events import EventKind, ProviderEvent
from notify.domain.ids import SUPPRESSION, number_of
from notify.domain.requests import Lane
from notify.domain.status import Status
from notify.domain.suppressions import ShopReason
from notify.domain.token_claims import OptOutClaim
from notify.usecases.centre.pausing import Pause
from notify.usecases.events.reported_refusals import bar_addresses
from notify.web.imports import CSV, READERS
from tests.confirmation_desk import NEWS, SHOP_PROOF, Desk, asking_twice
from tests.world import CLICK, EMAIL


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    with asking_twice(database_url, tmp_path) as desk:
        yield desk


def wanted_news(shop: Desk) -> str:
    """Have the shop subscribe the customer to news; return the path of the link that confirms it."""
    shop.world.clock.advance(timedelta(days=1))
    shop.world.parts.change_preferences("C-1042", NEWS, SHOP_PROOF)
    shop.world.work()
    return "/confirm/" + shop.world.email.messages[-1].text.split("/confirm/")[1].split()[0]


def test_an_opt_out_outlives_what_was_asked_for_before_it(shop: Desk) -> None:
    world, parts = shop.world, shop.world.parts
    centre, order = world.centre_token(), world.opt_out_token(Channel.EMAIL)
    claim = parts.tokens.read_opt_out(order)
    news = parts.tokens.opt_out(claim._replace(topic=parts.catalogue["company_news"].number))
    ways: tuple[Callable[[], object], ...] = (
        lambda: parts.unsubscribe(news, CLICK, "fr"),
        lambda: parts.unsubscribe(news, CLICK, "fr"),  # who has left before says no once more
        lambda: parts.unsubscribe(order, CLICK, "fr", whole_channel=True),
        lambda: parts.preference_centre.stop_everything(centre, CLICK, "fr"),
        lambda: parts.change_preferences("C-1042", [replace(NEWS[0], subscribed=False)], None),
        lambda: imported(shop, "preferences.company_news.email", "no"),
        lambda: reported(shop, parts.tokens.read_opt_out(news)),
    )
    for leave in ways:
        link = wanted_news(shop)
        assert shop.client.get(link).status_code == 200
        world.clock.advance(timedelta(hours=1))
        leave()
        assert not [one for one in parts.lookups.preferences("C-1042") if one["pending"]]
        assert [shop.client.get(link).status_code, shop.client.post(link).status_code] == [404, 404]
        assert not world.subscribed("company_news", Channel.EMAIL)
    assert shop.client.post(wanted_news(shop)).status_code == 200  # asked for since
    assert world.subscribed("company_news", Channel.EMAIL)


def test_so_does_that_of_somebody_else_at_the_address(shop: Desk) -> None:
    world, parts = shop.world, shop.world.parts
    world.order(recipient="guest-7", reference="guest")
    world.work()
    order, centre = world.opt_out_token(Channel.EMAIL), world.centre_token()
    claim = parts.tokens.read_opt_out(order)
    news = parts.tokens.opt_out(claim._replace(topic=parts.catalogue["company_news"].number))
    ways: tuple[Callable[[], object], ...] = (
        lambda: parts.unsubscribe(news, CLICK, "fr"),
        lambda: parts.unsubscribe(news, CLICK, "fr"),  # who is out already says no once more
        lambda: parts.unsubscribe(order, CLICK, "fr", whole_channel=True),
        lambda: parts.preference_centre.stop_news(centre, CLICK, "fr"),
        lambda: parts.change_preferences("guest-7", [replace(NEWS[0], subscribed=False)], None),
        lambda: imported(shop, "preferences.company_news.email", "no", "guest-7"),
        lambda: reported(shop, parts.tokens.read_opt_out(news)),
    )
    for leave in ways:
        link = wanted_news(shop)
        world.clock.advance(timedelta(hours=1))
        leave()
        assert not [one for one in parts.lookups.preferences("C-1042") if one["pending"]]
        assert shop.client.post(link).status_code == 404
        assert not world.subscribed("company_news", Channel.EMAIL)


def imported(shop: Desk, column: str, cell: str, who: str = "C-1042") -> None:
    """Import a row on a customer."""
    file = f"id,email,{column}\n{who},{EMAIL},{cell}\n"
    assert shop.world.parts.import_recipients(READERS[CSV]([file.encode()])).accepted == 1


def reported(shop: Desk, left: OptOutClaim) -> None:
    """Take from the mail's provider that the customer has left a topic."""
    now, parts = shop.world.clock(), shop.world.parts
    event = ProviderEvent("sendgrid", "1", EventKind.UNSUBSCRIBED, now)
    with parts.store.write() as tx:
        went_to = tx.suppressions.hash_of(Channel.EMAIL, EMAIL)
        facts = (left.message, left.recipient, None, Channel.EMAIL, left.topic, "fr", went_to)
        bar_addresses(tx, parts.catalogue, [(Reported(*facts, Lane.URGENT, Status.SENT), event)], now)


def test_a_box_unticked_again_ends_what_waits(shop: Desk) -> None:
    link = wanted_news(shop)
    form = {"do": "save", "was": "company_news.email"}  # as the page stood on which it was ticked
    assert shop.client.post(f"/preferences/{shop.world.centre_token()}", data=form).status_code == 200
    assert not [one for one in shop.world.parts.lookups.preferences("C-1042") if one["pending"]]
    assert shop.client.post(link).status_code == 404


def test_an_address_that_gets_barred_ends_what_waits_for_it(shop: Desk) -> None:
    parts = shop.world.parts
    for reason, scope in ((ShopReason.COMPLAINT, None), (ShopReason.MANUAL, Scope.ALL)):
        link = wanted_news(shop)
        (barred, _) = parts.suppressions.bar(EMAIL, Channel.EMAIL, reason, scope)
        assert not [one for one in parts.lookups.preferences("C-1042") if one["pending"]]
        assert [shop.client.get(link).status_code, shop.client.post(link).status_code] == [404, 404]
        with pytest.raises(UnreachableError):
            parts.change_preferences("C-1042", NEWS, SHOP_PROOF)
        with parts.store.write() as tx:
            tx.suppressions.drop(number_of(SUPPRESSION, barred["id"]))
        assert shop.client.post(link).status_code == 404  # it was over
    link = wanted_news(shop)
    imported(shop, "suppressed.email", "complaint")
    assert [shop.client.get(link).status_code, shop.client.post(link).status_code] == [404, 404]


def test_a_pause_ends_nothing_that_waits(shop: Desk) -> None:
    world, parts = shop.world, shop.world.parts
    paused = wanted_news(shop)
    parts.preference_centre.pause(world.centre_token(), Pause.WEEK, CLICK, "fr")
    assert shop.client.post(paused).status_code == 200


def test_this_is_not_me_ends_every_link_that_went_to_the_address(shop: Desk) -> None:
    centre, news, export = shop.world.centre_token(), wanted_news(shop), shop.ask(Kind.EXPORT)
    shop.world.parts.preference_centre.disown(centre, Channel.EMAIL, CLICK, "fr")
    assert [shop.client.post(link).status_code for link in (news, export)] == [404, 404]


def test_what_was_confirmed_before_an_opt_out_is_to_be_confirmed_again(shop: Desk) -> None:
    change, world = shop.world.parts.change_preferences, shop.world
    long_ago = world.clock() - timedelta(days=700)
    change("C-1042", NEWS, replace(SHOP_PROOF, double_opt_in_at=long_ago))
    change("C-1042", [replace(NEWS[0], subscribed=False)], None)
    world.clock.advance(timedelta(days=1))
    again = replace(SHOP_PROOF, obtained_at=world.clock(), double_opt_in_at=long_ago)
    (news,) = [one for one in change("C-1042", NEWS, again) if one["pending"]]
    assert (news["topic"], news["subscribed"]) == ("company_news", False)
    change("C-1042", NEWS, replace(again, double_opt_in_at=world.clock()))
    assert world.subscribed("company_news", Channel.EMAIL)
