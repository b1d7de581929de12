"""Pause, bars, language, requests and history in the preference centre, on doubles of the use cases."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from notify.domain.bars import Bar
from notify.domain.catalogue import Channel
from notify.domain.confirmations import Kind
from notify.domain.history import PastChoice
from tests.doubles_pages import CENTRE_TOKEN, NOW
from tests.e2e.page_states import STATES
from tests.pages_app import Site
from tests.reading_pages import checked, heading, hidden, shown

CENTRE = f"/preferences/{CENTRE_TOKEN}"
EMAIL, SMS = Channel.EMAIL, Channel.SMS


def test_a_pause_says_until_when_and_what_comes_again(site: Site, visitor: FlaskClient) -> None:
    before = checked(visitor.get(CENTRE))
    paused = visitor.post(CENTRE, data={"do": "pause_30"})
    assert "En pause jusqu’au 23\N{NO-BREAK SPACE}décembre 2026" in shown(paused)
    assert checked(paused) == before
    assert 'value="pause_7"' not in paused.text
    assert (site.centre.proofs[0][1].wording or "").endswith("/ 30 jours")
    resumed = visitor.post(f"{CENTRE}?lang=en", data={"do": "resume"})
    assert "your pause is over" in shown(resumed)
    assert "Paused until" not in shown(resumed)
    twice = visitor.post(CENTRE, data={"do": "resume"})
    assert twice.status_code == 200
    assert len(site.centre.proofs) == 2


@pytest.mark.parametrize("length", ["pause", "pause_0", "pause_8", "pause_-7", "pause_07"])
def test_a_pause_has_one_of_three_lengths(site: Site, visitor: FlaskClient, length: str) -> None:
    assert visitor.post(CENTRE, data={"do": length}).status_code == 400
    assert site.centre.paused_until is None


def test_a_stop_by_sms_is_shown_with_the_way_back(site: Site, visitor: FlaskClient) -> None:
    site.centre.bars = {SMS: (Bar.STOPPED, Bar.STOPPED)}
    page = visitor.get(CENTRE)
    said = "Vous avez répondu STOP à l’un de nos SMS. Plus rien n’est envoyé à ce numéro"
    assert said in shown(page)
    assert shown(page).count("(arrêté par STOP)") == 4
    assert all(value.endswith(".email") for value in checked(page))
    again = visitor.post(CENTRE, data={"do": "readmit", "channel": hidden(page, "channel")[0]})
    assert "vous recevrez à nouveau par SMS" in shown(again)
    assert len(checked(again)) == 6
    assert site.centre.proofs[0][1].wording == "Recevoir à nouveau des SMS"
    repeated = visitor.post(CENTRE, data={"do": "readmit", "channel": "sms"})
    assert "Rien n’a changé" in shown(repeated)
    assert len(site.centre.proofs) == 1


def test_a_bar_on_news_alone_leaves_the_boxes_of_orders(site: Site, visitor: FlaskClient) -> None:
    site.centre.bars = {EMAIL: (None, Bar.COMPLAINED)}
    page = visitor.get(f"{CENTRE}?lang=en")
    assert "reported as spam. No more news or offers by e-mail" in shown(page)
    assert "order_updates.email" in checked(page)
    assert "a•••@example.com" in shown(page)
    assert "Receive e-mails again" in shown(page)


def test_orders_are_not_said_to_come_where_they_do_not(site: Site, visitor: FlaskClient) -> None:
    reassured = "updates on your orders are not affected"
    site.centre.bars = {EMAIL: (None, Bar.COMPLAINED), SMS: (None, Bar.STOPPED)}
    assert shown(visitor.get(f"{CENTRE}?lang=en")).count(reassured) == 2
    site.centre.stands["order_updates", EMAIL] = False  # by the report of an order update
    page = shown(visitor.get(f"{CENTRE}?lang=en"))
    assert "No more news or offers by e-mail. What you do not get either: Order updates." in page
    assert page.count(reassured) == 1
    assert "Vous ne recevez pas non plus : Suivi de commande." in shown(visitor.get(CENTRE))
    site.centre.bars[SMS] = (Bar.STOPPED, Bar.COMPLAINED)
    answer = visitor.get(f"{CENTRE}?lang=en")
    assert shown(answer).count("Nothing is sent to this number (+221") == 2
    assert "+221" not in answer.text.partition('class="to"')[2].partition("</p>")[0]


@pytest.mark.parametrize("bar", [Bar.BOUNCED, Bar.DISPUTED, Bar.BLOCKED])
def test_what_no_person_lifts_has_no_button(site: Site, visitor: FlaskClient, bar: Bar) -> None:
    site.centre.bars = {SMS: (bar, bar)}
    page = visitor.get(CENTRE)
    assert 'value="readmit"' not in page.text
    assert ("+221" in shown(page)) is (bar is Bar.BOUNCED)
    visitor.post(CENTRE, data={"do": "readmit", "channel": "sms"})
    assert site.centre.bars == {SMS: (bar, bar)}


def test_the_language_of_messages_is_that_of_the_answer(site: Site, visitor: FlaskClient) -> None:
    page = visitor.get(f"{CENTRE}?lang=fr")
    assert "Nous vous écrivons en français." in shown(page)
    answer = visitor.post(f"{CENTRE}?lang=fr", data={"do": "language", "locale": hidden(page, "locale")[0]})
    assert site.centre.locale == "en"
    assert "we will write to you in English" in shown(answer)
    assert '<html lang="en">' in answer.text
    assert visitor.post(CENTRE, data={"do": "language", "locale": "de"}).status_code == 400


@pytest.mark.parametrize("kind", [Kind.EXPORT, Kind.ERASE])
def test_data_and_erasure_are_confirmed_through_the_address(
    site: Site, visitor: FlaskClient, kind: Kind
) -> None:
    done = visitor.post(CENTRE, data={"do": kind.value})
    assert "Nous avons envoyé un lien à a•••@example.com" in shown(done)
    assert "il fonctionne 24 heures" in shown(done)
    assert site.centre.requested == [kind]
    again = visitor.post(CENTRE, data={"do": kind.value})
    assert (again.status_code, again.headers["Retry-After"]) == (429, "120")
    assert "Un lien vient déjà de vous être envoyé" in shown(again)
    site.centre.addresses = {}
    nowhere = visitor.post(CENTRE, data={"do": kind.value})
    assert nowhere.status_code == 409
    assert "aucune adresse" in shown(nowhere)


def test_the_longest_page_is_still_small(site: Site, visitor: FlaskClient) -> None:
    STATES["twelve topics"].prepare(site)
    STATES["history"].prepare(site)
    site.centre.bars = {EMAIL: (None, Bar.COMPLAINED), SMS: (Bar.STOPPED, Bar.STOPPED)}
    posted = visitor.post(CENTRE, data={"do": "stop_news"}, headers={"Accept-Encoding": "gzip"})
    past = visitor.get(f"{CENTRE}/history", headers={"Accept-Encoding": "gzip"})
    assert len(posted.data) <= 14 * 1024
    assert len(past.data) <= 14 * 1024
    assert max(len(posted.data), len(past.data)) > 3 * 1024  # they are compressed, and whole


def test_an_opt_in_that_is_to_be_confirmed_says_so(site: Site, visitor: FlaskClient) -> None:
    site.centre.asks_twice = ["surveys"]
    page = visitor.get(CENTRE)
    on = [*checked(page), "surveys.email"]
    done = visitor.post(CENTRE, data={"do": "save", "was": hidden(page, "was"), "on": on})
    assert "ouvrez le lien que nous venons d’envoyer à a•••@example.com" in shown(done)
    assert "autres choix" not in shown(done)
    assert "(en attente de votre confirmation)" in shown(done)
    assert "surveys.email" not in checked(done)
    kept = [one for one in on if one != "company_news.sms"]
    both = visitor.post(CENTRE, data={"do": "save", "was": hidden(page, "was"), "on": kept})
    assert "Vos autres choix sont enregistrés." in shown(both)


def choices() -> list[PastChoice]:
    day = timedelta(days=1)
    accepted = PastChoice(1, NOW - 200 * day, None, None, True, "shop", "2026-01")
    clicked = PastChoice(2, NOW - 22 * day, 3, EMAIL, False, "one_click", None, EMAIL, NOW - 23 * day)
    sms = PastChoice(3, NOW - 3 * day, 99, SMS, False, "link", None)
    unknown = PastChoice(4, NOW - 2 * day, 2, EMAIL, True, "agent 7 said so", None)
    paused = [PastChoice(5 + n, NOW, topic, by, False, "pause", None) for n, (topic, by) in enumerate(PAUSED)]
    return [accepted, clicked, sms, unknown, *paused]


PAUSED = [(topic, by) for topic in (2, 3) for by in Channel]


def test_history_tells_in_plain_words_what_was_chosen_and_how(site: Site, visitor: FlaskClient) -> None:
    site.centre.past = choices()
    page = visitor.get(f"{CENTRE}/history?lang=en")
    assert heading(page) == "History of your choices"
    told = " ".join(shown(page).replace("\N{NO-BREAK SPACE}", " ").split())
    assert [told.index(words) for words in IN_ORDER] == sorted(told.index(words) for words in IN_ORDER)
    assert "agent 7" not in told
    assert 'value="' not in page.text
    assert visitor.get(f"{CENTRE}/history/").status_code == 200
    assert visitor.post(f"{CENTRE}/history").status_code == 405


IN_ORDER = [
    "23 November 2026 at 13:00 Paused Smarttontine news, by e-mail and by SMS Product offers, by e-mail and",
    "Subscribed Smarttontine news, by e-mail Recorded by the shop",
    "Unsubscribed Messages on a topic that no longer exists, by SMS With the link in an SMS",
    "Unsubscribed Product offers, by e-mail With your mail program’s unsubscribe button, on the e-mail of 31",
    "Privacy policy accepted Recorded by the shop · version 2026-01",
]


def test_history_goes_on_page_by_page(site: Site, visitor: FlaskClient) -> None:
    at = [NOW - timedelta(hours=number) for number in range(120)]
    site.centre.past = [
        PastChoice(200 - n, one, 2, SMS, bool(n % 2), "link", None) for n, one in enumerate(at)
    ]
    first = visitor.get(f"{CENTRE}/history")
    assert first.text.count("<time") == 50
    assert "before=151" in first.text
    last = visitor.get(f"{CENTRE}/history?before=101")
    assert last.text.count("<time") == 20
    assert "before=" not in last.text.partition("<main>")[2]
    assert "Les plus récents" in shown(last)
    for wrong in ("", "x", "-1", "١٢", "9" * 19):
        assert visitor.get(f"{CENTRE}/history?before={wrong}").status_code == 404


def test_nobody_but_the_person_sees_a_history(site: Site, visitor: FlaskClient) -> None:
    site.centre.past = choices()
    assert visitor.get("/preferences/unknown/history").status_code == 404
    site.centre.preview = True
    assert heading(visitor.get(f"{CENTRE}/history?lang=en")) == "The link of a preview"
