"""Every shipped e-mail in a real browser: accessible, readable on a phone, dark where the reader is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import axe_playwright_python  # type: ignore[import-untyped]
import pytest
from playwright.sync_api import Browser, Page, Route

from notify.domain.content import Links
from notify.rendering import FileTemplates, load_catalogue

TEMPLATES: Final = Path(__file__).parents[2] / "templates"
AXE: Final = Path(axe_playwright_python.__file__).with_name("axe.min.js")
LINKS: Final = Links(
    "https://smarttontine.org/u/abc",
    "https://smarttontine.org/preferences/abc",
    "abc@stop.smarttontine.org",
)
NEWSLETTER: Final = {
    "preheader": "Cousus à Dakar",
    "subject": "Nos sacs en wax sont arrivés",
    "body": """#### Bonjour {{ name }}

La *nouvelle* série est **là** : voyez [les photos](https://smarttontine.org/photos), ou écrivez `WAX20`.

- sac à main
  1. petit
  2. grand

> Le plus beau cadeau
> de l’année

**[Voir toute la série](https://smarttontine.org/wax)**

---

## Détails

    une-ligne-qui-est-bien-plus-large-que-l-ecran-d-un-petit-telephone-et-qui-n-a-pas-d-espace

https://smarttontine.org/une-adresse-qui-est-bien-plus-large-que-l-ecran-d-un-petit-telephone
""",
}
# Landmarks are the page's around the mail: a mail that brings its own `main` gives a webmail two.
RUN: Final = """axe.run({rules: {region: {enabled: false}, "landmark-one-main": {enabled: false}}})
    .then(result => result.violations)"""


@pytest.fixture(scope="module")
def templates() -> FileTemplates:
    return FileTemplates(TEMPLATES, load_catalogue(TEMPLATES))


@pytest.fixture(params=[(360, "light"), (360, "dark"), (1280, "light"), (1280, "dark")])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    width, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": 700}, color_scheme=scheme)
    yield context.new_page()
    context.close()


def test_every_mail_is_accessible_and_asks_for_nothing(page: Page, templates: FileTemplates) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    axe = AXE.read_text(encoding="utf-8")
    for name in (*templates.names(), *templates.internal):
        info = templates.info(name) or templates.internal.get(name)
        assert info is not None
        for locale in info.locales:
            data = {**info.data_schema["examples"][0], "_recipient_name": "Awa Diop"}
            if info.topic is None:
                data |= NEWSLETTER
            page.set_content(templates.email(name, locale, data, LINKS).html)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, locale)
            ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert ground == ("rgb(17, 24, 22)" if dark else "rgb(244, 246, 245)")
            page.evaluate(axe)
            violations = page.evaluate(RUN)
            assert [(v["id"], [n["html"][:200] for n in v["nodes"]]) for v in violations] == [], (
                name,
                locale,
            )
    assert asked == []


PICTURES: Final = """![Grand](https://smarttontine.org/large.svg)

![Petit](https://smarttontine.org/small.svg)

![Moyen](https://smarttontine.org/large.svg "300")

**[Voir](https://smarttontine.org/wax)**
"""
DRAWING: Final = '<svg xmlns="http://www.w3.org/2000/svg" width="{}" height="100"/>'


def test_pictures_keep_to_the_column_and_a_button_is_easy_to_hit(
    browser: Browser, templates: FileTemplates
) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 700})
    widths = {"large": 1088, "small": 40}

    def draw(route: Route) -> None:
        width = widths[route.request.url.removesuffix(".svg").rpartition("/")[2]]
        route.fulfill(body=DRAWING.format(width), content_type="image/svg+xml")

    context.route("**/*.svg", draw)
    page = context.new_page()
    html = templates.email("newsletter", "fr", {**NEWSLETTER, "body": PICTURES}, LINKS).html
    page.set_content(html, wait_until="load")
    assert page.evaluate("[...document.images].map(one => one.offsetWidth)") == [544, 40, 300]
    # Outlook for Windows reads the attribute, and neither `max-width` nor `@media`.
    assert page.evaluate("[...document.images].map(one => one.getAttribute('width'))") == [
        "544",
        "544",
        "300",
    ]
    assert page.get_by_role("link", name="Voir", exact=True).evaluate("one => one.offsetHeight") >= 44
    context.close()
