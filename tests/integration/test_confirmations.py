"""What a person asks for counts once confirmed through their own address, on SQLite and on PostgreSQL."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

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
from notify.domain.recipients import ProfilePatch
from notify.domain.requests import RecipientInput
from notify.domain.suppressions import HARD_BOUNCE
from notify.usecases.recording_choices import addresses_on
from tests.reading_pages import heading, shown
from tests.world import CLICK, EMAIL, PHONE, World, settings_for


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
    assert (mail.to, mail.subject) == (EMAIL, "Votre copie de vos données")
    assert mail.headers["List-Id"] == "<confirmations.smarttontine.org>"
    for method in ("GET", "HEAD", "OPTIONS", "GET"):  # scanners
        looked = desk.client.open(link, method=method)
        assert looked.status_code == 200
    assert (heading(looked), "a•••@example.com" in shown(looked)) == (
        "Obtenir une copie de vos données",
        True,
    )
    assert "Awa" not in looked.text

    file = desk.client.post(link, data=b"\xff", content_type="multipart/form-data; boundary=x")
    assert (file.status_code, file.mimetype) == (200, "application/json")
    assert file.headers["Content-Disposition"] == 'attachment; filename="smarttontine.json"'
    assert (file.headers["Cache-Control"], file.headers.get("Set-Cookie")) == ("no-store", None)
    assert json.loads(file.data)["recipient"]["email"] == EMAIL

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


def test_who_has_only_an_sms_gets_into_the_centre_through_the_number(desk: Desk) -> None:
    opt_out = desk.world.opt_out_token(Channel.SMS)
    sent = desk.client.post(f"/u/{opt_out}/centre")
    assert (sent.status_code, "part au" in shown(sent), "/preferences/" in sent.text) == (200, True, False)
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
