"""What a person asks for counts once confirmed through their own address, on SQLite and on PostgreSQL."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from notify.app import create_app
from notify.domain.catalogue import CONFIRMATIONS, Channel
from notify.domain.confirmations import Kind
from notify.domain.consent import Scope
from notify.domain.errors import (
    InvalidRequestError,
    InvalidTokenError,
    TooManyRequestsError,
    UnreachableError,
)
from notify.domain.requests import Choice
from notify.domain.suppressions import HARD_BOUNCE
from notify.usecases.centre.pausing import Pause
from notify.usecases.preferences.recording_choices import addresses_on
from notify.web.imports import CSV, READERS
from notify.web.pages.days import day
from tests.confirmation_desk import NEWS, SHOP_PROOF, Desk, asking_twice
from tests.reading_pages import heading, shown
from tests.world import CLICK, EMAIL, PHONE, World, exported, settings_for


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    world = World(settings_for(database_url, tmp_path))
    world.order()
    world.work()
    yield Desk(world, create_app(world.parts).test_client())
    world.parts.close()


def test_an_export_is_downloaded_once_by_who_owns_the_address(desk: Desk) -> None:
    link = desk.ask(Kind.EXPORT)
    mail = desk.world.email.messages[-1]
    assert (mail.to, mail.subject) == (EMAIL, "La copie de vos données")
    assert mail.headers["List-Id"] == "<confirmations.smarttontine.org>"
    for method in ("GET", "HEAD", "OPTIONS", "GET"):  # scanners
        looked = desk.client.open(link, method=method)
        assert looked.status_code == 200
    assert (heading(looked), "a•••@example.com" in shown(looked)) == (
        "Obtenir une copie de vos données",
        True,
    )
    assert "Awa" not in shown(looked)

    file = desk.client.post(link, data=b"\xff", content_type="multipart/form-data; boundary=x")
    assert (file.status_code, file.mimetype) == (200, "application/json")
    assert file.headers["Content-Disposition"] == 'attachment; filename="smarttontine.json"'
    assert (file.headers["Cache-Control"], file.headers.get("Set-Cookie")) == ("no-store", None)
    assert json.loads(file.data)["recipient"]["email"] == EMAIL
    assert link not in file.text  # nor has the shop, which reads the same, what is for the address alone

    again = desk.client.post(f"{link}?lang=en")
    assert (again.status_code, heading(again)) == (404, "This link is used up")


def test_an_erasure_leaves_nothing_and_its_link_ends(desk: Desk) -> None:
    link = desk.ask(Kind.ERASE, Channel.SMS)
    assert desk.world.sms.messages[-1].to == PHONE
    assert "ne s’annule pas" in shown(desk.client.get(link))
    done = desk.client.post(link)
    assert (done.status_code, heading(done)) == (200, "Vos données sont effacées")
    with desk.world.parts.store.read() as tx:
        assert tx.recipients.by_external_id("C-1042") is None
    assert desk.client.post(link).status_code == 404


def test_the_centres_link_speaks_the_language_of_the_message_that_led_there(desk: Desk) -> None:
    desk.world.order(reference="o-2", profile={"locale": "en"})
    desk.world.work()
    sent = desk.client.post(f"/u/{desk.world.opt_out_token(Channel.SMS)}/centre")
    assert sent.headers["Content-Language"] == "en"
    desk.world.work()
    assert "your preferences" in desk.world.sms.messages[-1].text


def test_who_has_only_an_sms_gets_into_the_centre_through_the_number(desk: Desk) -> None:
    opt_out = desk.world.opt_out_token(Channel.SMS)
    sent = desk.client.post(f"/u/{opt_out}/centre")
    assert (sent.status_code, "préférences au" in shown(sent)) == (200, True)
    assert "/preferences/" not in sent.text
    desk.world.work()
    text = desk.world.sms.messages[-1].text
    link = "/confirm/" + text.split("/confirm/")[1].split()[0]
    assert "/preferences/" not in desk.client.get(link).text
    opened = desk.client.post(link)
    centre = opened.text.split('href="https://notify.example.org')[1].split('"')[0]
    assert desk.client.get(centre).status_code == 200
    assert desk.client.post(f"/u/{opt_out}/centre").status_code == 429

    desk.change({"phone": "+221770000001"})
    desk.world.clock.advance(timedelta(minutes=3))
    assert desk.client.post(f"/u/{opt_out}/centre").status_code == 409  # the number is not theirs any more


def test_a_link_is_void_once_the_address_is_another_or_its_day_is_over(desk: Desk) -> None:
    link = desk.ask(Kind.EXPORT)
    desk.world.clock.advance(timedelta(minutes=3))
    second = desk.ask(Kind.EXPORT)
    desk.world.clock.advance(timedelta(hours=24, minutes=-1))
    assert desk.client.post(link).status_code == 404
    desk.change({"email": "awa@example.net"})
    assert desk.client.get(second).status_code == 404
    desk.change({"email": EMAIL})
    assert desk.client.get(second).status_code == 200
    for wrong in (second.swapcase(), f"{second}=", f"{second[:-1]}", f"{second}A", "/confirm/%00"):
        assert desk.client.post(wrong).status_code == 404
    desk.world.clock.advance(timedelta(minutes=2))
    desk.world.parts.purge()
    with desk.world.parts.store.read() as tx:
        assert tx.confirmations.asked_since(desk.recipient, desk.world.clock() - timedelta(days=9)) == []


def test_of_two_at_a_time_one_gets_it(desk: Desk) -> None:
    link = desk.ask(Kind.EXPORT)

    def press() -> int:
        return desk.client.application.test_client().post(link).status_code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(lambda _: press(), range(2))) == [200, 404]


def test_requests_are_counted_two_at_a_time_too(desk: Desk) -> None:
    number = desk.recipient

    def ask() -> bool:
        try:
            desk.world.confirmations.ask(number, Kind.EXPORT, "fr")
        except TooManyRequestsError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(lambda _: ask(), range(2))) == [False, True]
    desk.ask(Kind.ERASE)  # of another kind: at once
    for _ in range(3):
        desk.world.clock.advance(timedelta(minutes=2))
        desk.ask(Kind.EXPORT)
    desk.world.clock.advance(timedelta(minutes=2))
    with pytest.raises(TooManyRequestsError) as refused:
        desk.ask(Kind.CENTRE)
    assert refused.value.retry_after == timedelta(hours=23, minutes=52)


def test_it_is_sent_to_who_stopped_everything_but_not_to_a_barred_address(desk: Desk) -> None:
    desk.world.parts.preference_centre.stop_everything(desk.world.centre_token(), CLICK, "fr")
    desk.ask(Kind.EXPORT)
    token = desk.world.opt_out_token(Channel.EMAIL)
    page = desk.client.get(f"/u/{token}")
    assert "Confirmation de vos demandes" in heading(page)
    with desk.world.parts.store.write() as tx:
        person = tx.recipients.by_numbers([desk.recipient])[desk.recipient]
        (value,) = addresses_on(person, Channel.SMS)
        tx.suppressions.bar(
            Channel.SMS, value, Scope.ALL, reason=HARD_BOUNCE, masked=None, now=desk.world.clock()
        )
    with pytest.raises(UnreachableError):
        desk.ask(Kind.EXPORT, Channel.SMS)
    assert desk.client.post(f"/u/{token}").status_code == 200  # leaves the topic itself
    with pytest.raises(UnreachableError):
        desk.world.confirmations.ask(desk.recipient, Kind.ERASE, "fr")


def test_nobody_else_can_name_the_topic_or_its_templates(desk: Desk) -> None:
    with pytest.raises(InvalidRequestError, match="there is no such template"):
        desk.world.order("confirm_export", data={"confirm_url": "https://example.com/"})
    assert CONFIRMATIONS.name not in {one["topic"] for one in desk.world.parts.lookups.preferences("C-1042")}
    with pytest.raises(InvalidTokenError):
        desk.world.parts.confirm.describe("x")


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    with asking_twice(database_url, tmp_path) as desk:
        yield desk


def test_with_double_opt_in_a_choice_counts_once_confirmed(shop: Desk) -> None:
    change, world = shop.world.parts.change_preferences, shop.world
    shop.change({"locale": "pt"})  # which we do not write: it is French
    offers = Choice("product_offers", Channel.EMAIL, subscribed=True)
    (news,) = [one for one in change("C-1042", [*NEWS, offers], SHOP_PROOF) if one["pending"]]
    assert (news["topic"], news["channel"], news["subscribed"]) == ("company_news", "email", False)
    assert world.subscribed("product_offers", Channel.EMAIL)
    world.work()
    mail = world.email.messages[-1]
    assert (mail.subject, "Actualités de Smarttontine" in mail.text) == ("Confirmez votre inscription", True)

    asked = len(world.email.messages)
    change("C-1042", NEWS, SHOP_PROOF)  # the same again: it waits already
    world.work()
    assert len(world.email.messages) == asked

    (waits,) = exported(world.parts)["confirmations"]
    assert (waits["topics"], waits["asked_from"]) == (["company_news"], None)
    assert waits["message_id"] in {one["id"] for one in exported(world.parts)["messages"]}
    assert (waits["proof"]["wording"], waits["proof"]["ip"]) == ("Oui, je veux les nouvelles.", "192.0.2.7")

    link = "/confirm/" + mail.text.split("/confirm/")[1].split()[0]
    assert "Actualités de Smarttontine, par e-mail" in shown(shop.client.get(link))
    assert not world.subscribed("company_news", Channel.EMAIL)
    world.clock.advance(timedelta(days=6))
    done = shop.client.post(link, headers={"User-Agent": "Opera Mini"})
    assert (done.status_code, heading(done)) == (200, "Inscription confirmée")
    assert world.subscribed("company_news", Channel.EMAIL)
    assert shop.client.post(link).status_code == 404

    entry = world.parts.lookups.consents("C-1042")["items"][-1]
    assert (entry["source"], entry["topic"], entry["subscribed"]) == ("double_opt_in", "company_news", True)
    assert entry["wording"].startswith("Oui, je veux les nouvelles. / Confirmer votre inscription / ")
    message = world.parts.lookups.message(entry["message_id"], "en")
    assert (message["template"], message["topic"]) == ("confirm_subscription", "confirmations")


def test_what_is_confirmed_during_a_pause_is_promised_for_after_it(shop: Desk) -> None:
    world = shop.world
    world.parts.preference_centre.pause(world.centre_token(), Pause.WEEK, SHOP_PROOF, "fr")
    world.parts.change_preferences("C-1042", NEWS, SHOP_PROOF)
    world.work()
    link = "/confirm/" + world.email.messages[-1].text.split("/confirm/")[1].split()[0]
    end = day(world.clock() + timedelta(days=7), "fr", ZoneInfo("Africa/Dakar"))
    promise = f"Vous êtes en pause jusqu’au {end}. Ensuite, vous recevrez\u00a0:"
    for page in (shop.client.get(link), shop.client.post(link)):
        assert promise in page.text
    entry = world.parts.lookups.consents("C-1042")["items"][-1]
    assert (entry["source"], promise in entry["wording"]) == ("double_opt_in", True)


def test_the_shop_may_have_had_it_confirmed_itself(shop: Desk) -> None:
    change, now = shop.world.parts.change_preferences, shop.world.clock()
    with pytest.raises(InvalidRequestError, match="/proof/double_opt_in_at: lies in the future"):
        change("C-1042", NEWS, replace(SHOP_PROOF, double_opt_in_at=now + timedelta(hours=1)))
    confirmed = replace(SHOP_PROOF, double_opt_in_at=now - timedelta(days=1))
    change("C-1042", NEWS, confirmed)
    assert shop.world.subscribed("company_news", Channel.EMAIL)
    change("C-1042", [replace(NEWS[0], subscribed=False)], None)
    with pytest.raises(InvalidRequestError, match="opted out after this proof"):
        change("C-1042", NEWS, confirmed)


def test_an_import_never_asks(shop: Desk) -> None:
    sent = len(shop.world.email.messages)
    file = (
        b"id,email,preferences.company_news.email,proof.source,proof.double_opt_in_at\n"
        b"C-1,a@example.com,yes,old tool,\n"
        b"C-2,b@example.com,yes,old tool,2026-01-01T10:00:00Z\n"
    )
    report = shop.world.parts.import_recipients(READERS[CSV]([file]))
    assert (report.accepted, [line for line, _ in report.errors]) == (1, [2])
    assert "needs double_opt_in_at" in report.errors[0][1]
    assert shop.world.subscribed("company_news", Channel.EMAIL, "C-2")
    shop.world.work()
    assert len(shop.world.email.messages) == sent


def test_in_germany_the_centre_asks_and_the_shops_proof_does(desk: Desk) -> None:
    desk.change({"country": "DE"})
    saved = desk.world.parts.preference_centre.change(desk.world.centre_token(), NEWS, CLICK, "en")
    assert [(one.channel, one.masked) for one in saved.asked] == [(Channel.EMAIL, "a•••@example.com")]
    assert [row.pending for row in saved.view.rows if row.topic.name == "company_news"] == [True, False]
    desk.world.work()
    assert desk.world.email.messages[-1].subject == "Confirm your subscription"
    assert not desk.world.subscribed("company_news", Channel.EMAIL)
    desk.world.parts.change_preferences("C-1042", NEWS, SHOP_PROOF)
    assert desk.world.subscribed("company_news", Channel.EMAIL)
