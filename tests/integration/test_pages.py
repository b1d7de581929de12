"""The public pages through Flask's visitor, on doubles of the use cases."""

import gzip
import io
import re
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
from flask.testing import FlaskClient

from notify.domain.catalogue import Channel
from notify.domain.confirmations import Kind
from notify.domain.errors import TooManyRequestsError, UnreachableError
from tests.doubles_pages import (
    CENTRE_TOKEN,
    LINK,
    ORDERS,
    TOKEN,
    UNDO_TOKEN,
    FakeUndo,
    FakeUnsubscribe,
)
from tests.pages_app import Site
from tests.reading_pages import heading, shown

U = f"/u/{TOKEN}"
CENTRE = f"/preferences/{CENTRE_TOKEN}"
MALFORMED = (
    b'--FormBoundaryyjKOp\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n'
    b"FormBoundaryyjKOp--\r\n"
)


# The link


@pytest.mark.parametrize("path", [U, f"{U}/", f"{U}?lang=fr", f"{U}/?x=1"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_looking_at_the_link_changes_nothing(
    site: Site, visitor: FlaskClient, path: str, method: str
) -> None:
    response = visitor.open(path, method=method)
    assert response.status_code == 200
    assert site.unsubscribe.stopped == []
    assert bool(response.data) == (method == "GET")


def test_the_page_says_what_stops_where_in_the_messages_language(visitor: FlaskClient) -> None:
    response = visitor.get(U, headers={"Accept-Language": "en"})
    assert heading(response) == "Ne plus recevoir «\xa0Offres et produits\xa0» par e-mail\xa0?"
    assert "a•••@example.com" in shown(response)
    assert '<html lang="fr">' in response.text
    assert response.headers["Content-Language"] == "fr"
    assert response.text.count("<button") == 1


def test_the_page_speaks_english_when_asked(visitor: FlaskClient) -> None:
    response = visitor.get(f"{U}?lang=en")
    assert heading(response) == "Stop receiving “Product offers” by e-mail?"
    assert f'href="{U}?lang=fr"' in response.text


@pytest.mark.parametrize(
    "view",
    [
        replace(LINK, subscribed=False),
        replace(LINK, address=None, locale=None, subscribed=False),
        replace(LINK, topic=None, subscribed=False),
        replace(LINK, topic=ORDERS, channel=Channel.SMS, address="+221 •• ••• 45 67"),
    ],
)
def test_the_button_is_there_whatever_became_of_the_person_and_works(site: Site, view: object) -> None:
    site.unsubscribe = FakeUnsubscribe(view)  # type: ignore[arg-type]
    visitor = site.app().test_client()
    page = visitor.get(U)
    (_, *others) = re.findall("<button.*?>(.*?)</button>", page.text)
    by_sms = site.unsubscribe.view.channel is Channel.SMS  # whose messages have no link to the centre
    assert others == (["Recevoir le lien de mes préférences"] if by_sms else [])
    action = re.search(r'<form method="post" action="([^"]+)"', page.text)
    assert action
    assert visitor.post(unescape(action[1])).status_code == 200
    assert len(site.unsubscribe.stopped) == 1


@pytest.mark.parametrize("path", [U, f"{U}/"])
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"),
        (
            b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
        ),
        (MALFORMED, "multipart/form-data; boundary=FormBoundaryyjKOp"),
        (b"", None),
        (b"", "multipart/form-data"),
        (b"{not json", "application/json"),
        (b"\xff\x00%%%=&&&", "application/x-www-form-urlencoded; charset=klingon"),
        (b"List-Unsubscribe=No", "text/plain"),
        (b"a=1&" * 100_000, "application/x-www-form-urlencoded"),
        (b"x" * 4_999_999, "application/octet-stream"),
        (b"x" * 6_000_000, "multipart/form-data; boundary=x"),
    ],
)
def test_any_post_to_a_valid_link_is_done(
    site: Site, visitor: FlaskClient, path: str, body: bytes, content_type: str | None
) -> None:
    response = visitor.post(path, data=body, content_type=content_type)
    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers
    assert "Location" not in response.headers
    ((token, proof, locale, whole_channel),) = site.unsubscribe.stopped
    assert (token, proof.source, proof.wording, whole_channel) == (TOKEN, "one_click", None, False)
    assert locale is None


def test_a_body_that_breaks_off_is_done_as_well(site: Site, visitor: FlaskClient) -> None:
    response = visitor.post(U, data=b"List-Unsub", environ_overrides={"CONTENT_LENGTH": "9999"})
    assert response.status_code == 200
    assert len(site.unsubscribe.stopped) == 1


def test_a_body_of_any_size_is_read_so_that_its_sender_sees_the_answer(visitor: FlaskClient) -> None:
    for path in (U, f"{U}/all", f"/undo/{UNDO_TOKEN}"):
        body = io.BytesIO(bytes(20_000_000))
        response = visitor.post(path, input_stream=body, content_length=20_000_000)
        assert (response.status_code, body.tell()) == (200, 20_000_000)


def test_repeating_it_is_answered_the_same(site: Site, visitor: FlaskClient) -> None:
    first = visitor.post(U)
    second = visitor.post(U)
    assert first.status_code == second.status_code == 200
    assert heading(first) == heading(second) == "C’est fait"
    assert "/undo/" in first.text
    assert "/undo/" in second.text


def test_our_own_form_is_told_apart_and_its_wording_kept(site: Site, visitor: FlaskClient) -> None:
    page = visitor.get(f"{U}?lang=en")
    action = re.search(r'<form method="post" action="([^"]+)"', page.text)
    assert action
    response = visitor.post(unescape(action[1]), headers={"User-Agent": "B" * 999})
    assert "You will no longer receive “Product offers” by e-mail at a•••@example.com." in shown(response)
    ((_, proof, locale, _),) = site.unsubscribe.stopped
    assert (proof.source, locale) == ("link", "en")
    assert proof.wording == "Stop receiving “Product offers” by e-mail? / a•••@example.com / Unsubscribe"
    assert proof.ip == "127.0.0.1"
    assert proof.user_agent == "B" * 300
    for part in proof.wording.split(" / "):
        assert part in shown(page)


def test_all_messages_of_the_channel_can_be_stopped_beside_it(site: Site, visitor: FlaskClient) -> None:
    page = visitor.post(U)
    action = re.search(rf'action="({U}/all[^"]*)"', page.text)
    assert action
    response = visitor.post(unescape(action[1]))
    assert response.status_code == 200
    assert "aucun e-mail" in shown(response)
    assert site.unsubscribe.stopped[-1][3] is True
    wording = site.unsubscribe.stopped[-1][1].wording
    assert wording
    for part in wording.split(" / "):
        assert part in shown(page)
    assert visitor.post(f"{U}/all/").status_code == 200


@pytest.mark.parametrize(
    ("path", "form"),
    [(U, {}), (f"{U}/all", {}), (f"/undo/{UNDO_TOKEN}", {}), (CENTRE, {"do": "stop_news"})],
)
def test_no_language_switch_takes_the_undo_away(
    visitor: FlaskClient, path: str, form: dict[str, str]
) -> None:
    response = visitor.post(f"{path}?lang=en", data=form)
    assert response.status_code == 200
    assert 'class="switch"' not in response.text


PREVIEW = replace(LINK, address=None, locale=None, subscribed=False, preview=True)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", U), ("POST", U), ("POST", f"{U}?by=page"), ("POST", f"{U}/all")]
)
def test_the_link_of_a_preview_says_what_it_is(site: Site, method: str, path: str) -> None:
    site.unsubscribe = FakeUnsubscribe(PREVIEW)
    visitor = site.app().test_client()
    english = visitor.open(path, method=method, headers={"Accept-Language": "en"})
    assert english.status_code == 200
    assert heading(english) == "The link of a preview"
    assert "Nothing was changed" in shown(english)
    assert "<form" not in english.text
    french = visitor.open(path, method=method, headers={"Accept-Language": "fr"})
    assert "Rien n’a été changé" in shown(french)
    assert "notre fichier" not in shown(french)


def test_undo_takes_it_back_once(site: Site, visitor: FlaskClient) -> None:
    page = visitor.post(U)
    action = re.search(r'action="(/undo/[^"]+)"', page.text)
    assert action
    response = visitor.post(unescape(action[1]))
    assert response.status_code == 200
    assert "Offres et produits, par e-mail" in shown(response)
    assert site.undo.proofs[0].source == "undo"
    again = visitor.post(unescape(action[1]))
    assert again.status_code == 404
    assert heading(again) == "Trop tard pour annuler ici"


@pytest.mark.parametrize("path", [f"/undo/{UNDO_TOKEN}", f"{U}/all", f"{U}/centre"])
def test_what_a_button_led_to_does_nothing_when_a_phone_brings_the_tab_back(
    site: Site, visitor: FlaskClient, path: str
) -> None:
    answer = visitor.get(f"{path}?lang=fr")
    assert (answer.status_code, heading(answer)) == (405, "Cette page ne s’ouvre qu’avec un bouton")
    assert "Ce que vous aviez confirmé reste enregistré" in shown(answer)
    assert not site.undo.proofs
    assert not site.unsubscribe.stopped


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
@pytest.mark.parametrize("path", ["/u/x", "/u/x/", "/u/" + "A" * 5000, "/u/%00", "/u/é", "/preferences/x"])
def test_whatever_is_wrong_with_a_link_the_answer_is_the_same(
    visitor: FlaskClient, method: str, path: str
) -> None:
    response = visitor.open(path, method=method)
    assert response.status_code == 404
    if method == "GET":
        assert response.data == visitor.get("/u/unknown").data


@pytest.mark.parametrize("path", [f"/u//{TOKEN}", f"{U}//"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_doubled_slashes_are_one(visitor: FlaskClient, method: str, path: str) -> None:
    assert visitor.open(path, method=method).status_code == 200


@pytest.mark.parametrize("path", [f"/U/{TOKEN}", "/u", "/u/", f"{U}/x", "/outbox//"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_no_spelling_redirects(visitor: FlaskClient, method: str, path: str) -> None:
    response = visitor.open(path, method=method)
    assert response.status_code in {404, 405}
    assert response.mimetype == "text/html"


@pytest.mark.parametrize("path", [U, f"{U}/all", f"{U}?by=page"])
def test_what_could_not_be_stored_is_never_called_done(site: Site, visitor: FlaskClient, path: str) -> None:
    site.unsubscribe.down = True
    response = visitor.post(path)
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "30"
    assert "<form" not in response.text


def test_a_surprise_is_an_error_page_without_its_cause(site: Site) -> None:
    class Broken(FakeUndo):
        def __call__(self, *_: object) -> list[tuple[object, Channel]]:  # type: ignore[override]
            raise RuntimeError("secret")

    site.undo = Broken()
    response = site.app().test_client().post(f"/undo/{UNDO_TOKEN}")
    assert response.status_code == 500
    assert "secret" not in response.text
    assert response.headers["Cache-Control"] == "no-store"


# Every page

PAGES = [
    ("GET", "/"),
    ("GET", U),
    ("POST", U),
    ("POST", f"{U}/all"),
    ("POST", f"/undo/{UNDO_TOKEN}"),
    ("GET", "/u/unknown"),
    ("GET", "/nowhere"),
    ("GET", CENTRE),
    ("GET", f"{CENTRE}/history"),
    ("GET", "/confirm/erase"),
    ("POST", "/confirm/subscribe"),
    ("GET", "/outbox"),
    ("GET", "/outbox/1"),
    ("GET", "/outbox/2"),
]


@pytest.mark.parametrize("locale", ["fr", "en"])
@pytest.mark.parametrize(("method", "path"), PAGES)
def test_every_page_is_private_small_and_alone(
    visitor: FlaskClient, method: str, path: str, locale: str
) -> None:
    response = visitor.open(f"{path}?lang={locale}", method=method, headers={"Accept-Encoding": "gzip"})
    headers = response.headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Robots-Tag"] == "noindex, nofollow"
    assert headers["X-Content-Type-Options"] == "nosniff"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self'; base-uri 'none'; frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "Set-Cookie" not in headers
    assert headers["Content-Encoding"] == "gzip"
    assert len(response.data) <= 14 * 1024
    html = gzip.decompress(response.data).decode()
    assert f'<html lang="{locale}">' in html
    assert not re.search(r"<script|<img|<link rel=.stylesheet|@import|@font-face|url\(|style=", html)


def test_a_client_that_cannot_unzip_gets_plain_html(visitor: FlaskClient) -> None:
    response = visitor.get(U)
    assert "Content-Encoding" not in response.headers
    assert response.text.startswith("<!doctype html>")
    refusing = visitor.get(U, headers={"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in refusing.headers


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (None, 200, "vos préférences au +221"),
        (TooManyRequestsError(timedelta(seconds=90)), 429, "réessayez plus tard"),
        (UnreachableError("no"), 409, "Nous ne pouvons pas"),
    ],
)
def test_the_centres_link_goes_to_the_address_itself(
    site: Site, visitor: FlaskClient, error: Exception | None, status: int, said: str
) -> None:
    site.centre_link.error = error
    answer = visitor.post(f"{U}/centre?lang=fr")
    assert (answer.status_code, said in shown(answer)) == (status, True)
    assert answer.headers.get("Retry-After") == ("90" if status == 429 else None)
    assert "/preferences/" not in answer.text
    assert visitor.get(f"{U}/centre").status_code == 405
    assert visitor.post("/u/nonsense/centre").status_code == 404


@pytest.mark.parametrize("kind", list(Kind))
def test_what_is_confirmed_is_shown_first_and_done_by_a_post_alone(
    site: Site, visitor: FlaskClient, kind: Kind
) -> None:
    for method in ("GET", "HEAD", "OPTIONS"):
        assert visitor.open(f"/confirm/{kind}/?lang=en", method=method).status_code == 200
    assert site.confirm.proofs == []
    page = visitor.get(f"/confirm/{kind}?lang=en")
    assert "a•••@example.com" in shown(page)
    (button,) = re.findall("<button.*?>(.*?)</button>", page.text)

    done = visitor.post(f"/confirm/{kind}?lang=en", data=b"anything", headers={"User-Agent": "Opera Mini"})
    assert (done.status_code, done.headers.get("Set-Cookie")) == (200, None)
    (proof,) = site.confirm.proofs
    assert proof.wording
    assert proof.wording.startswith(heading(page))
    assert proof.wording.endswith(unescape(button))
    assert (proof.ip, proof.user_agent) == ("127.0.0.1", "Opera Mini")
    assert ("Smarttontine news, by e-mail" in proof.wording) == (kind is Kind.SUBSCRIBE)
