"""The pages on the real composition: a click stops the next message, on SQLite and on PostgreSQL."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from notify.app import create_app
from notify.domain.catalogue import Channel
from notify.domain.recipients import PolicyAcceptance
from notify.domain.requests import RecipientInput
from notify.domain.token_claims import CentreClaim, OptOutClaim
from tests.world import World, settings_for

ONE_CLICK = {"data": b"List-Unsubscribe=One-Click", "content_type": "application/x-www-form-urlencoded"}


@dataclass
class Visit:
    """An installation that has sent an order update, and a browser on it."""

    world: World
    client: FlaskClient

    def send_order(self, reference: str) -> dict[Channel, str]:
        """Send an order update; return the status and reason it has on each channel."""
        notification = self.world.order(reference=reference)
        self.world.work()
        messages = {channel: self.world.message(notification, channel) for channel in Channel}
        return {
            channel: f"{one['status']} {one['reason'] or ''}".strip() for channel, one in messages.items()
        }

    def submit(self, page: TestResponse, button: str) -> TestResponse:
        """Press the button of a page, with all that its form holds."""
        text = re.sub("</?span[^>]*>", "", page.text)
        forms = re.findall(r'<form method="post" action="([^"]+)"[^>]*>(.*?)</form>', text, re.DOTALL)
        action, form = next((action, form) for action, form in forms if button in unescape(form))
        fields = [
            (name, unescape(value))
            for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)
        ]
        fields += [("on", value) for value in re.findall(r'name="on" value="([^"]*)" checked', form)]
        pressed = re.search(rf'name="do" value="(\w+)"[^>]*>{re.escape(button)}', unescape(form))
        data: dict[str, list[str]] = {}
        for name, value in [*fields, *([("do", pressed[1])] if pressed else [])]:
            data.setdefault(name, []).append(value)
        response = self.client.post(unescape(action), data=data)
        assert response.status_code == 200
        return response


@pytest.fixture
def visit(database_url: str, tmp_path: Path) -> Iterator[Visit]:
    world = World(settings_for(database_url, tmp_path))
    visit = Visit(world, create_app(world.parts).test_client())
    assert visit.send_order("first") == {Channel.EMAIL: "sent", Channel.SMS: "sent"}
    yield visit
    world.parts.close()


def test_one_click_stops_the_next_order_on_that_channel_and_only_there(visit: Visit) -> None:
    token = visit.world.opt_out_token(Channel.EMAIL)
    response = visit.client.post(f"/u/{token}", **ONE_CLICK)
    assert response.status_code == 200
    assert visit.send_order("second") == {Channel.EMAIL: "skipped unsubscribed", Channel.SMS: "sent"}
    (entry,) = visit.world.parts.lookups.consents("C-1042")["items"]
    assert (entry["source"], entry["wording"], entry["locale"]) == ("one_click", None, "fr")


def test_looking_stops_nothing(visit: Visit) -> None:
    token = visit.world.opt_out_token(Channel.SMS)
    for method in ("GET", "HEAD", "OPTIONS"):
        assert visit.client.open(f"/u/{token}", method=method).status_code == 200
    assert visit.send_order("second") == {Channel.EMAIL: "sent", Channel.SMS: "sent"}


def test_a_person_stops_sees_it_and_takes_it_back(visit: Visit) -> None:
    token = visit.world.opt_out_token(Channel.SMS)
    page = visit.client.get(f"/u/{token}")
    assert "+221 ••" in page.text
    done = visit.submit(page, "Me désabonner")
    assert visit.world.subscribed("order_updates", Channel.SMS) is False
    assert "ne recevez déjà plus" in visit.client.get(f"/u/{token}").text
    undone = visit.submit(done, "Annuler ce désabonnement")
    assert "Suivi de vos commandes" in undone.text
    assert visit.send_order("second") == {Channel.EMAIL: "sent", Channel.SMS: "sent"}
    out, back = visit.world.parts.lookups.consents("C-1042")["items"]
    assert (out["source"], out["subscribed"]) == ("link", False)
    assert "Me désabonner" in out["wording"]
    assert (back["source"], back["subscribed"]) == ("undo", True)


def test_the_whole_channel_stops(visit: Visit) -> None:
    token = visit.world.opt_out_token(Channel.EMAIL)
    done = visit.submit(visit.client.get(f"/u/{token}"), "Me désabonner")
    visit.submit(done, "Arrêter tous les e-mails")
    preferences = visit.world.parts.lookups.preferences("C-1042")
    assert {one["channel"] for one in preferences if one["subscribed"]} <= {"sms"}


def test_the_centre_changes_what_is_pressed_and_takes_it_back(visit: Visit) -> None:
    centre = f"/preferences/{visit.world.centre_token()}"
    page = visit.client.get(centre)
    stopped = visit.submit(page, "Tout arrêter, suivi de commande compris")
    assert "checked" not in stopped.text
    assert visit.send_order("second") == dict.fromkeys(Channel, "skipped unsubscribed")
    undone = visit.submit(stopped, "Annuler ce changement")
    assert re.findall(r'value="(order_updates\.\w+)" checked', undone.text) == [
        "order_updates.email",
        "order_updates.sms",
    ]
    assert visit.send_order("third") == {Channel.EMAIL: "sent", Channel.SMS: "sent"}


def test_a_pause_is_taken_and_ended_on_the_page_while_orders_go_on(visit: Visit) -> None:
    accepted = PolicyAcceptance("2026-01", visit.world.clock() - timedelta(days=9), "signup")
    visit.world.parts.upsert_recipient(RecipientInput("C-1042", consent=accepted))
    centre = f"/preferences/{visit.world.centre_token()}"
    paused = visit.submit(visit.client.get(centre), "30 jours")
    assert "En pause jusqu’au 23\N{NO-BREAK SPACE}décembre 2026" in paused.text
    assert not visit.world.subscribed("company_news", Channel.EMAIL)
    assert visit.send_order("second") == {Channel.EMAIL: "sent", Channel.SMS: "sent"}
    assert "En pause" in visit.client.get(centre).text
    resumed = visit.submit(visit.client.get(centre), "Reprendre maintenant")
    assert "votre pause est terminée" in resumed.text
    assert visit.world.subscribed("company_news", Channel.EMAIL)
    past = visit.client.get(f"{centre}/history").text
    told = [past.index(words) for words in ("Fin de la pause", ">Pause<", "Politique de confidentialité")]
    assert told == sorted(told)


def test_a_stranger_gets_nothing_more(visit: Visit) -> None:
    centre = f"/preferences/{visit.world.centre_token()}"
    page = visit.client.get(centre)
    number = re.search(r"Ce n’est pas moi\s: (\+[^<]+)<", unescape(page.text))
    assert number
    said = visit.submit(page, f"Ce n’est pas moi\N{NO-BREAK SPACE}: {number[1]}")
    assert "+221" not in said.text
    assert "bloqué" in said.text
    assert visit.send_order("second")[Channel.SMS].startswith("skipped")
    ticked = {"do": "save", "was": [], "on": ["order_updates.sms", "surveys.sms"]}
    assert "ne peut pas le rétablir" in visit.client.post(centre, data=ticked).text
    assert not visit.world.subscribed("surveys", Channel.SMS)
    assert visit.send_order("third")[Channel.SMS].startswith("skipped")


@pytest.mark.parametrize("path", ["/u/{}", "/u/{}?by=page"])
def test_a_double_tap_leaves_the_undo(visit: Visit, path: str) -> None:
    address = path.format(visit.world.opt_out_token(Channel.SMS))
    first, second = visit.client.post(address), visit.client.post(address)
    for page in (first, second):
        assert "Annuler ce désabonnement" in page.text
    visit.submit(second, "Annuler ce désabonnement")
    assert visit.send_order("second")[Channel.SMS] == "sent"


def test_the_links_of_a_preview_change_nothing(visit: Visit) -> None:
    tokens = visit.world.parts.tokens
    link, centre = tokens.opt_out(OptOutClaim(1, 1, Channel.EMAIL, 0)), tokens.centre(CentreClaim(1, 0))
    posts = [visit.client.post(f"/u/{link}"), visit.client.post(f"/u/{link}/all")]
    posts += [visit.client.post(f"/preferences/{centre}", data={"do": "stop_everything"})]
    for page in (visit.client.get(f"/u/{link}"), visit.client.get(f"/preferences/{centre}"), *posts):
        assert page.status_code == 200
        assert "Rien n’a été changé" in page.text
    assert visit.send_order("second") == {Channel.EMAIL: "sent", Channel.SMS: "sent"}


def test_the_link_works_when_the_person_is_gone(visit: Visit) -> None:
    token = visit.world.opt_out_token(Channel.EMAIL)
    centre = visit.world.centre_token()
    visit.world.parts.erase_recipient("C-1042")
    page = visit.client.get(f"/u/{token}")
    assert page.status_code == 200
    assert "awa" not in page.text
    assert "C’est fait" in visit.submit(page, "Me désabonner").text
    assert visit.client.post(f"/u/{token}", **ONE_CLICK).status_code == 200
    assert visit.client.get(f"/preferences/{centre}").status_code == 404


def test_no_spelling_but_the_one_is_a_token(visit: Visit) -> None:
    token = visit.world.opt_out_token(Channel.EMAIL)
    wrong = visit.client.get("/u/x").data
    for other in (token + "=", token.swapcase(), token[:-1], token + "A", f"%20{token}", token + "."):
        for path in (f"/u/{other}", f"/u/{other}/", f"/preferences/{other}"):
            assert visit.client.post(path, **ONE_CLICK).status_code == 404
            assert visit.client.get(path).data == wrong
    assert visit.world.subscribed("order_updates", Channel.EMAIL)


def test_a_database_out_of_reach_is_never_called_done(sqlite_url: str, tmp_path: Path) -> None:
    world = World(settings_for(sqlite_url, tmp_path))
    client = create_app(world.parts).test_client()
    link = world.parts.tokens.opt_out(OptOutClaim(1, 1, Channel.EMAIL, 1))
    centre = world.parts.tokens.centre(CentreClaim(1, 1))
    world.parts.engine.dispose()
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    path.unlink()
    path.mkdir()
    for address in (
        f"/u/{link}",
        f"/u/{link}/all",
        f"/u/{link}?by=page",
        f"/preferences/{centre}",
        "/undo/x",
    ):
        assert client.post(address).status_code == 503, address
    assert client.get(f"/u/{link}").status_code == 503
    world.parts.close()
