"""The outbox page through Flask's client."""

import email
import email.policy
import re
from html import unescape

import pytest
from flask.testing import FlaskClient

from notify.domain.segments import count, split
from tests.doubles_pages import FakeOutbox
from tests.pages_app import EMAIL, LINK, SMS, Site, kept


def test_the_list_is_newest_first_and_paged() -> None:
    visitor = Site(outbox=FakeOutbox(kept(120))).app().test_client()
    seen: list[int] = []
    path: str | None = "/outbox"
    pages = 0
    while path:
        html = visitor.get(path).text
        seen += map(int, re.findall(r'href="/outbox/(\d+)\?', html))
        older = re.search(r'href="([^"]*before=\d+[^"]*)">Plus anciens', html)
        path = unescape(older[1]) if older else None
        pages += 1
    assert seen == list(range(120, 0, -1))
    assert pages == 3


@pytest.mark.parametrize("before", ["x", "-1", "0", "9" * 30, ""])
def test_nonsense_leads_to_the_first_page(visitor: FlaskClient, before: str) -> None:
    assert 'href="/outbox/2?' in visitor.get(f"/outbox?before={before}").text


def test_an_empty_outbox_says_what_to_do() -> None:
    html = Site(outbox=FakeOutbox([])).app().test_client().get("/outbox?lang=en").text
    assert "Nothing yet." in html


def test_the_page_says_that_nothing_was_sent(visitor: FlaskClient) -> None:
    assert "These messages were not sent" in visitor.get("/outbox?lang=en").text


@pytest.mark.parametrize(
    "path", ["/outbox/99", "/outbox/0", "/outbox/x", f"/outbox/{2**63}", "/outbox/2/mail.html"]
)
def test_what_is_not_there_is_not_found(visitor: FlaskClient, path: str) -> None:
    assert visitor.get(path).status_code == 404


def test_the_mail_is_framed_without_rights(visitor: FlaskClient) -> None:
    page = visitor.get("/outbox/1")
    frame = re.search(r"<iframe [^>]*>", page.text)
    assert frame
    assert 'src="/outbox/1/mail.html"' in frame[0]
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in frame[0]
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
    mail = visitor.get("/outbox/1/mail.html")
    policy = mail.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'")
    assert "script" not in policy
    assert mail.text == EMAIL.html.replace("<head>", '<head><base target="_blank">')
    assert mail.headers["Cache-Control"] == "no-store"


def test_the_text_is_shown_with_links_that_can_be_clicked(visitor: FlaskClient) -> None:
    html = visitor.get("/outbox/1?view=text").text
    assert f'<a href="{LINK}" target="_blank" rel="noopener noreferrer">{LINK}</a>' in html
    assert "Votre commande est partie." in html


def test_the_headers_are_shown_as_they_are(visitor: FlaskClient) -> None:
    html = visitor.get("/outbox/1?view=headers").text
    shown = unescape(re.sub(r"</?(a|td|th)\b[^>]*>", " ", html))
    for name, value in {**EMAIL.headers, "Reply-To": EMAIL.reply_to, "To": EMAIL.to}.items():
        assert re.sub(r"\s+", "", f"{name}{value}") in re.sub(r"\s+", "", shown)


def test_the_source_is_the_whole_mail(visitor: FlaskClient) -> None:
    download = visitor.get("/outbox/1/mail.eml")
    assert download.mimetype == "message/rfc822"
    assert download.headers["Content-Disposition"] == 'attachment; filename="outbox-1.eml"'
    mail = email.message_from_bytes(download.data, policy=email.policy.default)
    assert mail["List-Unsubscribe"] == EMAIL.headers["List-Unsubscribe"]
    html = mail.get_body(("html",))
    assert html
    assert html.get_content().strip() == EMAIL.html
    shown = visitor.get("/outbox/1?view=source").text
    assert "Content-Type: multipart/alternative" in shown


def test_an_sms_is_shown_cut_as_it_is_billed(visitor: FlaskClient) -> None:
    html = visitor.get("/outbox/2?lang=en").text
    billed = count(SMS.text)
    assert billed.segments > 1
    assert f"<dd>{billed.encoding}</dd>" in html
    cuts = [unescape(part) for part in re.findall(r'<pre class="cut">(.*?)</pre>', html, re.DOTALL)]
    assert cuts == split(SMS.text)
    for culprit in billed.culprits:
        assert f"<code>{culprit}</code>" in html


def test_the_front_page_points_to_what_there_is() -> None:
    html = Site().app().test_client().get("/?lang=en").text
    assert 'href="docs"' in html
    assert 'href="outbox?lang=en"' in html
