"""Markdown as authors write it, and as somebody writes it who wants more than a newsletter."""

import re
from typing import Final

import pytest

from notify.rendering.folders import ELEMENTS
from notify.rendering.markdown import Body

STYLES: Final = {name: f"is-{name}" for name in ELEMENTS} | {"button_colour": "#0b5d46", "img_width": "544"}
MARK: Final = "xmark"


def html(source: str) -> str:
    return Body(source, MARK).html(STYLES)


def text(source: str) -> str:
    return Body(source, MARK).text()


def flaws(source: str) -> list[str]:
    return [f"{flaw.line}: {flaw.detail}" for flaw in Body(source, MARK).flaws()]


def test_elements_are_styled_where_mail_apps_look() -> None:
    shown = html("Du *thé*\n\n- un\n\n> cité\n\n[page](https://a.example/?b=1&c=2)\n\n---\n")
    assert '<p style="is-p">Du <em>thé</em></p>' in shown
    assert '<ul style="is-ul">\n<li style="is-li">un</li>' in shown
    assert '<blockquote style="is-blockquote">' in shown
    assert '<a href="https://a.example/?b=1&amp;c=2" class="link" style="is-a">page</a>' in shown
    assert '<hr style="is-hr" />' in shown


def test_headings_stand_below_the_headline_and_skip_no_level() -> None:
    shown = html("# a\n\n#### b\n\n## c\n\nd\n=\n")
    assert [shown[at + 1 : at + 3] for at in range(len(shown)) if shown.startswith("<h", at)] == [
        "h2", "h3", "h3", "h2",
    ]  # fmt: skip
    assert html("### a").startswith("<h2 ")


def test_a_bold_link_on_its_own_is_a_button() -> None:
    shown = html("Du thé\n\n**[Voir](https://a.example/)**\n\nEncore")
    cell = '<td align="center" bgcolor="#0b5d46" style="is-button_cell">'
    assert f'{cell}<a href="https://a.example/" style="is-button">Voir</a></td>' in shown
    # A table within a paragraph ends it: no mail app would agree with another on what follows.
    assert re.findall("<(p|table|/p|/table)", shown) == [
        "p",
        "/p",
        "table",
        "table",
        "/table",
        "/table",
        "p",
        "/p",
    ]
    assert "<strong>" not in shown
    assert 'class="link"' in html("**[Voir](https://a.example/)** maintenant")


def test_code_is_shown_as_it_is() -> None:
    for source in ("```html\n<b>\n```", "    <b>"):
        assert html(source) == '<pre style="is-pre"><code>&lt;b&gt;\n</code></pre>\n'
        assert text(source) == "    <b>"


@pytest.mark.parametrize(
    "source", ["<script>alert(1)</script>", "a <img src=x onerror=alert(1)> b", "<!-- x -->", "<b\n>"]
)
def test_html_is_text(source: str) -> None:
    assert "<script" not in html(source)
    assert "<img" not in html(source)
    assert "&lt;" in html(source)
    assert flaws(source) == []


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java&#115;cript:alert(1)", "data:text/html,x",
        "vbscript:x", "//evil.example", "/panier", "ftp://a.example", "https://user:pass@evil.example/",
        "https://smarttontine.org@evil.example", "https://a\\@evil.example", "mailto:", "mailto:a",
    ],
)  # fmt: skip
def test_links_lead_to_pages_and_mailboxes_only(address: str) -> None:
    wanted = ["2: a link must be http://, https:// or mailto:"]
    assert flaws(f"\n[x]({address})") == wanted
    assert flaws(f"\n[x][r]\n\n[r]: {address}") == wanted


@pytest.mark.parametrize("address", ["https://a.example", "http://a.example/b?c#d", "mailto:a@b.example"])
def test_links_that_may_stand(address: str) -> None:
    assert flaws(f"[x]({address})") == []


def test_pictures_come_safely_and_with_a_text() -> None:
    assert flaws("![Un sac](https://a.example/b.png)") == []
    assert flaws("![Un sac](http://a.example/b.png)") == ["1: a picture must have an https:// address"]
    (flaw,) = flaws("![](https://a.example/b.png)")
    assert "needs a text" in flaw
    assert (
        '<img src="https://a.example/b.png" alt="Un &quot;sac&quot;" style="is-img" width="544" />'
        in html('![Un "sac"](https://a.example/b.png)')
    )


@pytest.mark.parametrize(
    ("title", "attributes"),
    [
        ("300", 'style="is-img;width:300px" width="300"'),
        ("300x200", 'style="is-img;width:300px" width="300" height="200"'),
        ("1088x800", 'style="is-img;width:544px" width="544" height="400"'),
        ("Cousu main", 'title="Cousu main" style="is-img" width="544"'),
        ("0x1", 'title="0x1" style="is-img" width="544"'),
    ],
)
def test_a_picture_is_as_wide_as_its_title_says(title: str, attributes: str) -> None:
    assert f'alt="Un sac" {attributes} />' in html(f'![Un sac](https://a.example/b.png "{title}")')


def test_nothing_personal_stands_in_an_address() -> None:
    for source in (f"[x](https://a.example/{MARK}h000)", f"![x](https://{MARK}h000/)"):
        (flaw,) = flaws(source)
        assert "merge field" in flaw


def test_plain_text_is_the_same_whether_html_was_made_before() -> None:
    source = (
        '# Thé\n\n**[Voir](https://a.example/)**\n\n![Sac](https://a.example/s.png "300")\n\n```\nx\n```\n'
    )
    body = Body(source, MARK)
    first = body.text()
    assert first.startswith("THÉ\n\nVoir\nhttps://a.example/\n\n[Sac]")
    shown = body.html(STYLES)
    assert body.text() == first
    assert body.html(STYLES) == shown


def test_plain_text_reads_like_written_by_hand() -> None:
    source = """# Grand titre

Voyez [le site](https://a.example), <https://b.example> ou
écrivez à <mailto:c@d.example>.

- un
- deux

  encore deux
  1. petit

> cité
>
> deux fois

[Seul](https://a.example/seul)

![Un sac](https://a.example/b.png)
"""
    assert (
        text(source)
        == """GRAND TITRE

Voyez le site (https://a.example), https://b.example ou écrivez à mailto:c@d.example (c@d.example).

- un

- deux

  encore deux

  1. petit

> cité
>
> deux fois

Seul
https://a.example/seul

[Un sac]"""
    )


def test_marks_keep_their_case_in_a_heading() -> None:
    assert text(f"# Pour {MARK}h001 seul") == f"POUR {MARK}h001 SEUL"
