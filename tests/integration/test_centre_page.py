"""The preference centre through Flask's visitor, on doubles of the use cases."""

import re

import pytest
from flask.testing import FlaskClient

from notify.domain.catalogue import Channel
from tests.doubles_pages import CENTRE_TOKEN, FakeCentre
from tests.pages_app import Site
from tests.reading_pages import checked, heading, hidden, shown

CENTRE = f"/preferences/{CENTRE_TOKEN}"


def test_the_centre_shows_every_topic_on_every_channel(visitor: FlaskClient) -> None:
    response = visitor.get(f"{CENTRE}/")
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
    site: Site, visitor: FlaskClient
) -> None:
    page = visitor.get(f"{CENTRE}?lang=en")
    on = [*(set(checked(page)) - {"company_news.email"}), "surveys.sms"]
    response = visitor.post(f"{CENTRE}?lang=en", data={"do": "save", "was": hidden(page, "was"), "on": on})
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


def test_a_page_left_open_does_not_bring_back_what_was_stopped_since(
    site: Site, visitor: FlaskClient
) -> None:
    page = visitor.get(CENTRE)
    site.centre.stands["product_offers", Channel.SMS] = False
    on = [*checked(page), "surveys.email"]
    visitor.post(CENTRE, data={"do": "save", "was": hidden(page, "was"), "on": on})
    assert site.centre.stands["surveys", Channel.EMAIL] is True
    assert site.centre.stands["product_offers", Channel.SMS] is False


def test_saving_what_stands_already_writes_nothing(site: Site, visitor: FlaskClient) -> None:
    page = visitor.get(CENTRE)
    response = visitor.post(
        CENTRE, data={"do": "save", "was": hidden(page, "was"), "on": [*checked(page), "invented.sms"]}
    )
    assert "Rien n’a changé" in shown(response)
    assert site.centre.proofs == []


def test_news_stop_and_orders_go_on(site: Site, visitor: FlaskClient) -> None:
    response = visitor.post(CENTRE, data={"do": "stop_news"})
    assert checked(response) == ["order_updates.email", "order_updates.sms"]
    assert "Le suivi de vos commandes continue" in (site.centre.proofs[0][1].wording or "")


def test_everything_stops_and_the_page_says_what_is_lost(site: Site, visitor: FlaskClient) -> None:
    assert "vous ne saurez plus par nous si votre commande est partie" in shown(visitor.get(CENTRE))
    response = visitor.post(CENTRE, data={"do": "stop_everything"})
    assert checked(response) == []
    assert "suivi de commande compris" in (site.centre.proofs[0][1].wording or "")


def test_a_change_can_be_taken_back(site: Site, visitor: FlaskClient) -> None:
    response = visitor.post(CENTRE, data={"do": "stop_news"})
    undone = visitor.post(CENTRE, data={"do": "undo", "undo": hidden(response, "undo")})
    assert undone.status_code == 200
    assert "C’est annulé" in shown(undone)
    assert len(site.undo.proofs) == 1
    again = visitor.post(CENTRE, data={"do": "undo", "undo": hidden(response, "undo")})
    assert again.status_code == 409
    assert "a déjà servi" in shown(again)


def test_whoever_is_not_the_person_says_so(site: Site, visitor: FlaskClient) -> None:
    response = visitor.post(CENTRE, data={"do": "disown", "channel": "sms"})
    assert "Plus rien n’est envoyé à ce numéro." in shown(response)
    assert site.centre.disowned == [Channel.SMS]
    assert "+221" in (site.centre.proofs[0][1].wording or "")


@pytest.mark.parametrize("locale", ["fr", "en"])
@pytest.mark.parametrize("channel", Channel)
def test_nobody_is_said_to_have_told_the_shop(visitor: FlaskClient, locale: str, channel: Channel) -> None:
    before = visitor.get(f"{CENTRE}?lang={locale}")
    after = visitor.post(f"{CENTRE}?lang={locale}", data={"do": "disown", "channel": channel})
    for page in (before, after):
        assert not re.search("averti|tell the shop|been told", shown(page))
    assert "smarttontine.org" in shown(after)


def test_saying_so_twice_is_answered_the_same(site: Site, visitor: FlaskClient) -> None:
    first, second = (visitor.post(CENTRE, data={"do": "disown", "channel": "sms"}) for _ in range(2))
    assert second.status_code == 200
    assert first.data == second.data
    assert site.centre.disowned == [Channel.SMS]


def test_a_barred_number_has_no_boxes_and_is_not_written_to(site: Site, visitor: FlaskClient) -> None:
    open_page = visitor.get(CENTRE)
    visitor.post(CENTRE, data={"do": "disown", "channel": "sms"})
    page = visitor.get(CENTRE)
    assert "+221" not in shown(page)
    assert "Le numéro de téléphone que nous avions est bloqué" in shown(page)
    assert shown(page).count("(ce numéro est bloqué)") == 4
    assert set(re.findall(r'value="\w+\.(\w+)"', page.text)) == {"email"}
    old = visitor.post(CENTRE, data={"do": "save", "was": [], "on": checked(open_page)[1::2]})
    assert "ne peut pas le rétablir" in shown(old)
    on = [*checked(open_page), "surveys.email", "surveys.sms"]
    saved = visitor.post(CENTRE, data={"do": "save", "was": hidden(open_page, "was"), "on": on})
    assert "C’est enregistré." in shown(saved)
    assert site.centre.stands["surveys", Channel.EMAIL] is True
    assert not any(stands for (_, by), stands in site.centre.stands.items() if by is Channel.SMS)


def test_nothing_can_be_saved_where_all_is_barred(visitor: FlaskClient) -> None:
    visitor.post(CENTRE, data={"do": "disown", "channel": "sms"})
    page = visitor.post(f"{CENTRE}?lang=en", data={"do": "disown", "channel": "email"})
    assert "Nothing more is sent to this address." in shown(page)
    assert 'type="checkbox"' not in page.text
    assert 'value="save"' not in page.text
    assert "We write to you at" not in shown(page)


@pytest.mark.parametrize("form", [None, {"do": "save", "on": "surveys.sms"}, {"do": "disown"}, {}])
def test_the_link_of_a_preview_says_what_it_is(
    site: Site, visitor: FlaskClient, form: dict[str, str] | None
) -> None:
    site.centre.preview = True
    path = f"{CENTRE}?lang=en"
    response = visitor.get(path) if form is None else visitor.post(path, data=form)
    assert response.status_code == 200
    assert heading(response) == "The link of a preview"
    assert "Nothing was changed" in shown(response)
    assert "<form" not in response.text
    assert site.centre.proofs == []


def test_a_channel_without_an_address_says_so(site: Site, visitor: FlaskClient) -> None:
    del site.centre.addresses[Channel.SMS]
    response = visitor.get(CENTRE)
    assert "(pas de numéro connu)" in shown(response)
    assert 'value="sms"' not in response.text
    assert visitor.post(CENTRE, data={"do": "disown", "channel": "sms"}).status_code == 400
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
    site: Site, visitor: FlaskClient, data: dict[str, str], status: int
) -> None:
    response = visitor.post(CENTRE, data=data)
    assert response.status_code == status
    assert heading(response) == "Cela n’a pas marché"
    assert site.centre.proofs == []


def test_what_a_person_typed_never_becomes_html(site: Site, visitor: FlaskClient) -> None:
    site.centre.addresses[Channel.EMAIL] = "<b>•••@example.com"
    response = visitor.get(CENTRE)
    assert "<b>•••" not in response.text
    assert "&lt;b&gt;•••@example.com" in response.text
