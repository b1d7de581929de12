"""Who stands behind the messages: below every e-mail and every page, in the reader's language."""

from pathlib import Path
from typing import Final

import pytest
from flask import Flask

from notify.domain.catalogue import LOCALES
from notify.domain.content import Links
from notify.domain.errors import ConfigurationError
from notify.domain.imprint import Imprint
from notify.rendering import FileTemplates, load_catalogue
from notify.web.pages.index import index_blueprint
from notify.web.pages.rendering import Pages
from tests.pages_app import PAGES_DIRECTORY
from tests.template_shop import TEMPLATES, Shop

LINKS: Final = Links("https://smarttontine.org/u/x", "https://smarttontine.org/preferences/x")
WHOLE: Final = Imprint(
    "Smarttontine & Fils, 12 rue des Baobabs, Dakar",
    "https://smarttontine.org/confidentialite?a=1&b=2",
    "https://smarttontine.org/mentions",
)
WORDS: Final = {
    "fr": ("Politique de confidentialité", "Mentions légales"),
    "en": ("Privacy policy", "Legal notice"),
}


@pytest.fixture(scope="module")
def templates() -> FileTemplates:
    return FileTemplates(TEMPLATES, load_catalogue(TEMPLATES), imprint=WHOLE)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", ["order_shipped", "confirm_erasure", "newsletter"])
def test_every_mail_says_who_writes(templates: FileTemplates, name: str, locale: str) -> None:
    data = {"order_number": "1", "confirm_url": "https://x.example/c", "subject": "x", "body": "y"}
    mail = templates.email(name, locale, data, LINKS)
    privacy, legal = WORDS[locale]
    colon = "\u00a0:" if locale == "fr" else ":"
    assert mail.text.endswith(
        f"\nSmarttontine & Fils, 12 rue des Baobabs, Dakar\n{privacy}{colon}\n{WHOLE.privacy_url}\n"
        f"{legal}{colon}\n{WHOLE.legal_url}\n"
    )
    assert "Smarttontine &amp; Fils, 12 rue des Baobabs, Dakar" in mail.html
    assert 'href="https://smarttontine.org/confidentialite?a=1&amp;b=2"' in mail.html
    assert f">{privacy}</a>" in mail.html
    assert f">{legal}</a>" in mail.html


def test_what_is_not_set_leaves_no_trace(tmp_path: Path) -> None:
    for imprint in (Imprint(), Imprint(privacy_url="https://smarttontine.org/c")):
        mail = Shop(tmp_path / str(imprint.privacy_url is None)).load(imprint)
        text = mail.email("greeting", "fr", {"word": "x"}, LINKS).text
        assert ("Politique" in text) is (imprint.privacy_url is not None)
        assert "Mentions" not in text


def test_a_frame_that_would_keep_it_back_is_refused(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    frame = shop.directory / "_layout/email.txt"
    frame.write_text(frame.read_text(encoding="utf-8").replace("[[ imprint_address ]]", ""), encoding="utf-8")
    shop.load()
    with pytest.raises(
        ConfigurationError, match=r"email\.txt: SHOP_ADDRESS is set: put \[\[ imprint_address"
    ):
        shop.load(WHOLE)


@pytest.mark.parametrize("locale", LOCALES)
def test_every_page_says_whose_it_is(locale: str) -> None:
    app = Flask("x", static_folder=None)
    app.register_blueprint(index_blueprint(Pages(PAGES_DIRECTORY, WHOLE), outbox=False))
    page = app.test_client().get(f"/?lang={locale}").text
    assert "<p>Smarttontine &amp; Fils, 12 rue des Baobabs, Dakar</p>" in page
    for url, words in zip((WHOLE.privacy_url, WHOLE.legal_url), WORDS[locale], strict=True):
        assert f'<a href="{str(url).replace("&", "&amp;")}">{words}</a>' in page
