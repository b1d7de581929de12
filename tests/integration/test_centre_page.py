"""The preference centre through Flask's client, on doubles of the use cases."""

import re

import pytest
from flask.testing import FlaskClient

from notify.domain.catalogue import Channel
from tests.doubles_pages import CENTRE_TOKEN, FakeCentre
from tests.pages_app import Site
from tests.reading_pages import checked, heading, hidden, shown

CENTRE = f"/preferences/{CENTRE_TOKEN}"


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def client(site: Site) -> FlaskClient:
    return site.app().test_client()


def test_the_centre_shows_every_topic_on_every_channel(client: FlaskClient) -> None:
    response = client.get(f"{CENTRE}/")
    assert response.status_code == 200
    assert len(re.findall(r'type="checkbox"', response.text)) == 8
    assert checked(response) == [
        f"{topic}.{channel}"
        for topic in ("order_updates", "company_news", "product_offers")
        for channel in ("email", "sms")
    ]
    assert hidden(response, "was") == checked(response)
    for words in ("Suivi de commande", "deux fois par mois au plus", "a•••@example.com"):
        assert words in shown(response)


def test_saving_changes_what_was_ticked_and_unticked_and_nothing_else(
    site: Site, client: FlaskClient
) -> None:
    page = client.get(f"{CENTRE}?lang=en")
    on = [*(set(checked(page)) - {"company_news.email"}), "surveys.sms"]
    response = client.post(f"{CENTRE}?lang=en", data={"do": "save", "was": hidden(page, "was"), "on": on})
    assert response.status_code == 200
    assert "Saved." in shown(response)
    before = FakeCentre().stands
    assert {key for key in before if before[key] != site.centre.stands[key]} == {
        ("company_news", Channel.EMAIL),
        ("surveys", Channel.SMS),
    }
    ((_, proof, locale),) = site.centre.proofs
    assert (proof.source, locale) == ("preference_centre", "en")
    assert proof.wording == "Smarttontine news, by e-mail: no / Surveys, by SMS: yes / Save"


def test_a_page_left_open_does_not_bring_back_what_was_stopped_since(site: Site, client: FlaskClient) -> None:
    page = client.get(CENTRE)
    site.centre.stands["product_offers", Channel.SMS] = False
    on = [*checked(page), "surveys.email"]
    client.post(CENTRE, data={"do": "save", "was": hidden(page, "was"), "on": on})
    assert site.centre.stands["surveys", Channel.EMAIL] is True
    assert site.centre.stands["product_offers", Channel.SMS] is False


def test_saving_what_stands_already_writes_nothing(site: Site, client: FlaskClient) -> None:
    page = client.get(CENTRE)
    response = client.post(
        CENTRE, data={"do": "save", "was": hidden(page, "was"), "on": [*checked(page), "invented.sms"]}
    )
    assert "Rien n’a changé" in shown(response)
    assert site.centre.proofs == []


def test_news_stop_and_orders_go_on(site: Site, client: FlaskClient) -> None:
    response = client.post(CENTRE, data={"do": "stop_news"})
    assert checked(response) == ["order_updates.email", "order_updates.sms"]
    assert "Le suivi de vos commandes continue" in (site.centre.proofs[0][1].wording or "")


def test_everything_stops_and_the_page_says_what_is_lost(site: Site, client: FlaskClient) -> None:
    assert "vous ne saurez plus par nous si votre commande est partie" in shown(client.get(CENTRE))
    response = client.post(CENTRE, data={"do": "stop_everything"})
    assert checked(response) == []
    assert "suivi de commande compris" in (site.centre.proofs[0][1].wording or "")


def test_a_change_can_be_taken_back(site: Site, client: FlaskClient) -> None:
    response = client.post(CENTRE, data={"do": "stop_news"})
    undone = client.post(CENTRE, data={"do": "undo", "undo": hidden(response, "undo")})
    assert undone.status_code == 200
    assert "C’est annulé" in shown(undone)
    assert len(site.undo.proofs) == 1
    again = client.post(CENTRE, data={"do": "undo", "undo": hidden(response, "undo")})
    assert again.status_code == 409
    assert "a déjà servi" in shown(again)


def test_whoever_is_not_the_person_says_so(site: Site, client: FlaskClient) -> None:
    response = client.post(CENTRE, data={"do": "disown", "channel": "sms"})
    assert "Merci." in shown(response)
    assert site.centre.disowned == [Channel.SMS]
    assert "+221" in (site.centre.proofs[0][1].wording or "")


def test_a_channel_without_an_address_says_so(site: Site, client: FlaskClient) -> None:
    del site.centre.addresses[Channel.SMS]
    response = client.get(CENTRE)
    assert "(pas de numéro connu)" in shown(response)
    assert 'value="sms"' not in response.text
    assert client.post(CENTRE, data={"do": "disown", "channel": "sms"}).status_code == 400
    assert site.centre.disowned == []


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({}, 400),
        ({"do": "format_disk"}, 400),
        ({"do": "disown"}, 400),
        ({"do": "disown", "channel": "fax"}, 400),
        ({"do": "save", "on": "x" * 70_000}, 413),
    ],
)
def test_a_form_that_is_not_ours_changes_nothing(
    site: Site, client: FlaskClient, data: dict[str, str], status: int
) -> None:
    response = client.post(CENTRE, data=data)
    assert response.status_code == status
    assert heading(response) == "Cela n’a pas marché"
    assert site.centre.proofs == []


def test_what_a_person_typed_never_becomes_html(site: Site, client: FlaskClient) -> None:
    site.centre.addresses[Channel.EMAIL] = "<b>•••@example.com"
    response = client.get(CENTRE)
    assert "<b>•••" not in response.text
    assert "&lt;b&gt;•••@example.com" in response.text
