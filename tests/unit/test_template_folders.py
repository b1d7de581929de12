"""What is said about template folders that are wrong, and that hostile ones fail instead of running."""

import re
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from notify.domain.content import Links
from notify.domain.regimes import Regime
from notify.rendering import load_catalogue
from tests.template_shop import TEMPLATES, TOML, Shop

LINKS: Final = Links("https://smarttontine.org/u/x")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "templates")


def test_a_shop_adds_its_own(shop: Shop) -> None:
    shop.write("pages/page.html", "not a template")
    shop.write("_drafts/template.toml", "neither")
    templates = shop.load()
    assert templates.names() == ("greeting",)
    content = templates.email("greeting", "fr", {"word": "Salut"}, LINKS)
    assert content.subject == "Sujet Salut"
    assert "<h1>Salut</h1>" in content.html
    assert templates.sms("greeting", "en", {"word": "Hi"}, LINKS) == f"Hi\nOpt out: {LINKS.unsubscribe}"


def test_a_template_may_have_one_channel(shop: Shop) -> None:
    toml = re.sub(r"(?m)^email\..*\n", "", TOML.replace('["email", "sms"]', '["sms"]'))
    shop.write("greeting/template.toml", toml)
    for path in shop.directory.glob("greeting/email.*"):
        path.unlink()
    templates = shop.load()
    assert templates.problems("greeting", {"word": "x"}) == []
    assert templates.sms("greeting", "fr", {"word": "x"}, LINKS).startswith("x\n")


@pytest.mark.parametrize(
    ("break_it", "file", "problem"),
    [
        (lambda s: s.change("order_updates", "nothing"), "template.toml", "no topic nothing"),
        (lambda s: s.change("channels =", "chanels ="), "template.toml", "/chanels is not a known field"),
        (lambda s: s.change('"sms"]', '"fax"]'), "template.toml", "/channels/1 must be one of email, sms"),
        (lambda s: s.change("= 5", "= 0"), "template.toml", "/expires_after_hours must be at least 1"),
        (lambda s: s.change("= 5", "= 5\nsupersedes = ['lost']"), "template.toml", "no template: lost"),
        (lambda s: s.change("[data]", "[data"), "template.toml", "not valid TOML"),
        (lambda s: s.change(', examples = ["x"]', ""), "template.toml", "data.word: a field needs examples"),
        (lambda s: s.change('["x"]', "[1]"), "template.toml", "data/word: its example must be a string"),
        (lambda s: s.change('"uri"', '"iri"'), "template.toml", "format must be one of"),
        (lambda s: s.change('/order_number"', '/order_numer"'), "template.toml", "refer to a field"),
        (lambda s: s.change("word = {", "links = {"), "template.toml", "data.links: this name is taken"),
        (lambda s: s.change("word = {", "_word = {"), "template.toml", "data._word: this name is taken"),
        (lambda s: s.change('type = "string", f', 'type = "strin", f'), "template.toml", "not a JSON Schema"),
        (lambda s: s.change('["email", "sms"]', '["sms"]'), "template.toml", "goes with the channel email"),
        (lambda s: (s.directory / "greeting/sms.en.txt").unlink(), "sms.en.txt", "missing"),
        (lambda s: s.write("greeting/email.fr.mjml", "<mj-text>"), "email.fr.mjml", "not valid MJML"),
        (lambda s: s.write("greeting/email.fr.txt", "{{ wrod }}"), "greeting", "'wrod' is undefined"),
        (lambda s: s.write("greeting/email.en.txt", "{{ page }}"), "greeting", "a value is missing"),
        (lambda s: s.write("greeting/sms.fr.txt", "{{ rows }}"), "greeting", "not text"),
        (lambda s: s.write("greeting/sms.fr.txt", "[[ nothing ]]"), "sms.txt", "[[ nothing ]] is no word"),
        (lambda s: s.write("_layout/sms.txt", "[[ content ]]"), "greeting", "lacks the unsubscribe link"),
        (
            lambda s: (
                s.write("_layout/loop.txt", "[[ loop ]]") or s.write("greeting/sms.fr.txt", "[[ loop ]]")
            ),
            "loop.txt",
            "too deep",
        ),
        (lambda s: s.write("Greeting/template.toml", TOML), "Greeting", "lower-case"),
    ],
)
def test_refusals_name_file_and_problem(
    shop: Shop, break_it: Callable[[Shop], object], file: str, problem: str
) -> None:
    break_it(shop)
    message = shop.refusal()
    assert file in message
    assert problem in message


@pytest.mark.parametrize(
    "address",
    [
        "{{ word }}",
        "javascript:{{ word }}",
        "{% if page %}{{ page }}{% endif %}",
        "https://{{ word }}/",
        "{{ page }}{{ word }}",
    ],
)
def test_data_makes_no_address_unless_it_is_one(shop: Shop, address: str) -> None:
    shop.write("greeting/email.fr.mjml", f'<mj-text><a href="{address}">x</a></mj-text>')
    assert "email.fr.mjml" in shop.refusal()


def test_an_address_may_be_made_of_a_field_or_after_a_fixed_host(shop: Shop) -> None:
    links = '<a href="{{ page }}">x</a><a href="https://smarttontine.org/o/{{ word }}">y</a>'
    shop.write(
        "greeting/email.fr.mjml",
        f"<mj-raw>{{% if page %}}</mj-raw><mj-text>{links}</mj-text><mj-raw>{{% endif %}}</mj-raw>",
    )
    data = {"word": "1", "page": "https://example.com/?a=1&b=2"}
    html = shop.load().email("greeting", "fr", data, LINKS).html
    assert 'href="https://example.com/?a=1&amp;b=2"' in html
    assert 'href="https://smarttontine.org/o/1"' in html


@pytest.mark.parametrize("html", ["<script>x</script>", '<a href="#" onclick="x()">x</a>', "<form></form>"])
def test_no_active_content(shop: Shop, html: str) -> None:
    shop.write("greeting/email.fr.mjml", f"<mj-text>{html}</mj-text>")
    assert "email.fr.mjml" in shop.refusal()


HOSTILE: Final = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ''['__class__'] }}",
    "{{ word.__class__ }}",
    "{{ word['__class__'] }}",
    "{{ word.upper() }}",
    "{{ word|attr('__class__') }}",
    "{{ self }}",
    "{{ self._TemplateReference__context }}",
    "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "{{ cycler.__init__.__globals__ }}",
    "{% for i in range(10**9) %}x{% endfor %}",
    "{% for i in range(1000000000) %}{% endfor %}{{ word }}",
    "{% for a in rows %}{% for b in rows %}{% for c in rows %}x{% endfor %}{% endfor %}{% endfor %}",
    "{% for a in rows recursive %}{{ loop(rows) }}{% endfor %}",
    "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
    "{% set x = word * 1000000000 %}{{ x }}",
    "{{ word * 1000000000 }}",
    "{{ 9 ** 99999999 }}",
    "{{ '%999999999d' % 1 }}",
    "{{ '%999999999d'|format(1) }}",
    "{{ word|center(999999999) }}",
    "{{ word|safe }}",
    "{% include 'greeting/template.toml' %}",
    "{% import 'x' as y %}",
    "{% autoescape false %}{{ word }}{% endautoescape %}",
    "{% for a in rows %}{{ loop.__class__ }}{% endfor %}{{ loop }}",
    "{{ word",
    "{% if word %}",
]


@pytest.mark.parametrize("source", HOSTILE)
@pytest.mark.parametrize("file", ["sms.fr.txt", "email.en.mjml"])
def test_hostile_templates_fail_at_once(shop: Shop, source: str, file: str) -> None:
    shop.write(f"greeting/{file}", f"<mj-text>{source}</mj-text>" if file.endswith("mjml") else source)
    begun = time.thread_time()
    assert "greeting" in shop.refusal()
    assert time.thread_time() - begun < 2


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("number = 2", "number = 1", "share a name or a number"),
        ('name = "surveys"', 'name = "company_news"', "share a name or a number"),
        ("number = 4", "number = 256", "/topic/3/number must be at most 255"),
        ("number = 4", "number = 255", "the topic confirmations, number 255, is the service's own"),
        ("number = 1\n", "number = 1\ndouble_opt_in = true\n", "/topic/0/double_opt_in is for marketing"),
        ('purpose = "transactional"', 'purpose = "other"', "must be one of transactional, marketing"),
        ('en = "Surveys"', "", "/topic/3/title/en is required"),
        ('name = "surveys"', 'name = "Our surveys"', "/topic/3/name must match the pattern"),
    ],
)
def test_wrong_topics_are_refused(shop: Shop, old: str, new: str, problem: str) -> None:
    text = (TEMPLATES / "topics.toml").read_text(encoding="utf-8")
    assert old in text
    shop.write("topics.toml", text.replace(old, new))
    message = shop.refusal()
    assert "topics.toml" in message
    assert problem in message


def test_the_shipped_topics(shop: Shop) -> None:
    topics = {topic.name: topic for topic in load_catalogue(shop.directory)}
    assert {name: (topic.number, topic.purpose.value) for name, topic in topics.items()} == {
        "order_updates": (1, "transactional"),
        "company_news": (2, "marketing"),
        "product_offers": (3, "marketing"),
        "surveys": (4, "marketing"),
    }
    for topic in topics.values():
        assert set(topic.title) == set(topic.description) == set(topic.frequency) == {"fr", "en"}


def _luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_contrast(scheme: str) -> None:

    colours = tomllib.loads((TEMPLATES / "_layout/colours.toml").read_text())[scheme]
    pairs = [
        ("ink", "card"), ("muted", "card"), ("muted", "ground"), ("primary", "card"), ("primary", "ground"),
        ("on_primary", "primary"),
    ]  # fmt: skip
    for text, ground in pairs:
        lighter, darker = sorted((_luminance(colours[text]), _luminance(colours[ground])), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (text, ground)


def test_mails_use_no_other_colours(shop: Shop) -> None:
    palette = set(re.findall(r"#[0-9a-f]{6}", (TEMPLATES / "_layout/colours.toml").read_text()))
    html = shop.load().email("greeting", "fr", {"word": "x"}, LINKS).html
    # MJML writes the preheader, which no one sees, in white.
    shown = html.replace("display:none;font-size:1px;color:#ffffff", "")
    assert set(re.findall(r"#[0-9a-f]{3,6}\b", shown)) <= palette


def test_a_shop_changes_regimes_and_is_told_what_is_wrong_with_them(shop: Shop) -> None:
    row = '[[regime]]\ncountry = "SN"\nregime = "explicit"\nlaw = "a law"\n'
    shop.write("regimes.toml", row)
    assert load_catalogue(shop.directory)["company_news"].regimes.of("SN") is Regime.EXPLICIT
    for text, problem in (
        (row + row, "/regime/1/country has a row already"),
        (row.replace("explicit", "lax"), "/regime/0/regime"),
        (row.replace("SN", "UK"), "/regime/0/country is no country"),
        (row.replace('law = "a law"\n', ""), "/regime/0/law is required"),
    ):
        shop.write("regimes.toml", text)
        assert "regimes.toml" in shop.refusal()
        assert problem in shop.refusal()


def test_templates_of_the_service_cannot_be_named(shop: Shop) -> None:
    shop.change('topic = "order_updates"', 'topic = "confirmations"\ninternal = true')
    templates = shop.load()
    assert (templates.names(), templates.info("greeting"), list(templates.internal)) == (
        (),
        None,
        ["greeting"],
    )
    assert "word" in templates.sms("greeting", "fr", {"word": "word"}, Links("https://example.org/u/x"))
    for other in ('topic = "confirmations"', 'topic = "order_updates"\ninternal = true'):
        shop.change('topic = "order_updates"', other)
        assert "internal = true goes with the topic confirmations" in shop.refusal()
