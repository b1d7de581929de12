"""Newsletters: pinned once, filled in for each person, whatever that person is called."""

import json
import time
from functools import cache
from typing import Any, Final

import pytest

from notify.domain.catalogue import Channel, Topic
from notify.domain.content import EmailContent, Links
from notify.domain.errors import NotFoundError
from notify.domain.marks import fill
from notify.domain.newsletters import MAX_ATTRIBUTE, MAX_NAME, Person, Pinned
from notify.rendering import FileTemplates, load_catalogue
from tests.template_shop import TEMPLATES

LINKS: Final = Links(
    unsubscribe="https://smarttontine.org/u/Aa0_-bCdEfGhIjKlMnOpQrStUv",
    centre="https://smarttontine.org/preferences/xYz_-0123456789",
    mailto="u-abcdefghijklmnop234567@stop.smarttontine.org",
)
TEXTED: Final = Links("https://smttn.org/u/Aa0_-b")
CONTENT: Final = {
    "fr": {
        "subject": 'Offre pour {{ name | default("vous") }}',
        "preheader": "À {{ attributes.city }}",
        "body": "Bonjour **{{ name | default('cher client') }}**,\n\nvos points : {{ attributes.points }}.",
        "sms": "{{name}}, -20 % à {{ attributes.city }}",
    },
    "en": {"subject": "An offer", "body": "Hello {{ name | default('dear customer') }},"},
}
BOTH: Final = (Channel.EMAIL, Channel.SMS)


@cache
def templates() -> FileTemplates:
    return FileTemplates(TEMPLATES, load_catalogue(TEMPLATES))


def topic(name: str = "product_offers") -> Topic:
    return load_catalogue(TEMPLATES)[name]


def pin(content: Any = CONTENT, *, mailto: bool = True) -> Pinned:
    return templates().pin("newsletter", topic(), content, mailto=mailto)


def copy(pinned: Pinned, locale: str = "fr", name: str | None = None, **attributes: Any) -> EmailContent:
    """Fill in as SendGrid does, which must come to the same as the port's own way."""
    person = Person(LINKS, name, attributes)
    marked, given = pinned.email(locale), pinned.substitutions(locale, person)
    filled = EmailContent(*(fill(part, given) for part in (marked.subject, marked.html, marked.text)))
    assert filled == templates().email_for(pinned, locale, person)
    for mark in given:
        assert mark not in filled.html + filled.subject + filled.text
    return filled


def text(pinned: Pinned, locale: str = "fr", name: str | None = None, **attributes: Any) -> str:
    return templates().sms_for(pinned, locale, Person(TEXTED, name, attributes))


def problems(
    content: Any, channels: tuple[Channel, ...] = (Channel.EMAIL,), about: str = "product_offers"
) -> Any:
    found = templates().campaign_problems("newsletter", topic(about), channels, content)
    return {one.pointer: one.detail for one in found}


def mail(**more: str) -> dict[str, dict[str, str]]:
    return {"fr": {"subject": "Objet", "body": "Texte", **more}}


def test_everybody_gets_the_same_but_for_what_is_theirs() -> None:
    awa, nobody = copy(pin(), name="Awa Diop", city="Dakar", points=12), copy(pin())
    assert (awa.subject, nobody.subject) == ("Offre pour Awa Diop", "Offre pour vous")
    assert "Bonjour <strong>Awa Diop</strong>," in awa.html
    assert "Bonjour <strong>cher client</strong>," in nobody.html
    assert "vos points\u00a0: 12." in awa.text or "vos points : 12." in awa.text
    assert "vos points : .\n" in nobody.text
    assert "À Dakar" in awa.html


def test_every_copy_has_its_own_links_in_words_of_the_topic() -> None:
    for locale, words in (("fr", "Nouveautés et offres"), ("en", "New products and offers")):
        content = copy(pin(), locale)
        for part in (LINKS.unsubscribe, LINKS.centre, LINKS.mailto):
            assert part is not None
            assert part in content.html
            assert f"{part}\n" in content.text
        assert f'href="mailto:{LINKS.mailto}?subject=unsubscribe"' in content.html
        assert words in content.html
        assert words in content.text
        assert {"fr": "commande", "en": "order"}[locale] not in content.text
    assert "mailto" not in templates().email_for(pin(mailto=False), "fr", Person(LINKS)).html


def test_what_an_author_types_is_text() -> None:
    content = copy(pin(mail(subject="1 < 2 & <b>", preheader="<i> & \N{RIGHT-TO-LEFT OVERRIDE}x")))
    assert content.subject == "1 < 2 & <b>"
    assert "<h1>1 &lt; 2 &amp; &lt;b&gt;</h1>" in content.html
    assert "&lt;i&gt; &amp; x</div>" in content.html


def test_a_language_that_is_missing_is_french() -> None:
    pinned = pin({"fr": CONTENT["fr"]})
    assert copy(pinned, "en") == copy(pinned, "fr")
    assert text(pin(), "en", city="Thiès") == text(pin(), "fr", city="Thiès")
    assert copy(pin(), "en").subject == "An offer"
    assert copy(pin(), "wo").subject == "Offre pour vous"


def test_a_text_message_names_the_shop_and_the_way_out() -> None:
    assert text(pin(), name="Awa\u00a0 Diop", city="Dakar") == (
        "Smarttontine: Awa Diop, -20 % à Dakar\nFin SMS: https://smttn.org/u/Aa0_-b"
    )


@pytest.mark.parametrize(("stop", "words"), [(None, "Fin SMS:"), ("36105", "STOP 36105 ou"), ("", "STOP ou")])
def test_each_copy_says_what_its_sender_can_hear(stop: str | None, words: str) -> None:
    person = Person(Links("https://smttn.org/u/Aa0_-b", stop=stop), "Awa", {"city": "Dakar"})
    kept = Pinned.from_json(json.loads(json.dumps(pin().to_json())))
    assert templates().sms_for(kept, "fr", person).endswith(f"Dakar\n{words} https://smttn.org/u/Aa0_-b")


@pytest.mark.parametrize(
    "name",
    [
        "<b>Awa</b>",
        '"><script>alert(1)</script>',
        "Awa & 'Co'",
        "{{ name }}{% if x %}",
        "[x](javascript:1)",
        "\\1 \\g<0>",
    ],
)
def test_a_name_is_a_name_and_nothing_else(name: str) -> None:
    content = copy(pin(), name=name)
    assert content.subject == f"Offre pour {name}"
    assert f"Bonjour {name}," in content.text
    assert "<script" not in content.html
    assert "<b>" not in content.html
    escaped = name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert f"<strong>{escaped.replace(chr(34), '&quot;').replace(chr(39), '&#x27;')}</strong>" in content.html


@pytest.mark.parametrize("letter", ['"', "é", "😀", "\\"])
def test_nobody_can_be_too_much_for_a_call(letter: str) -> None:
    """SendGrid takes 10,000 bytes of substitutions a person, and refuses all thousand otherwise."""
    names = [f"a{number}" for number in range(20)]
    given = [mail(body=" ".join(f"{{{{ attributes.{one} }}}}" for one in names[:n])) for n in range(20)]
    most = max(n for n in range(20) if not problems(given[n] if n else mail()))
    assert 5 < most < 12
    person = Person(
        Links(*("https://notify.smarttontine.org/" + "x" * 200,) * 3),
        letter * 99,
        dict.fromkeys(names, letter * 500),
    )
    values = pin(given[most]).substitutions("fr", person)
    assert len(json.dumps(values, ensure_ascii=False).encode()) <= 10_000


def test_a_name_cannot_end_the_subject_or_turn_it_around() -> None:
    content = copy(pin(), name="Awa\r\nBcc: all@example.com\u202e\u2028x")
    assert content.subject == "Offre pour Awa Bcc: all@example.com x"
    assert copy(pin(), name=" \n ").subject == "Offre pour vous"


def test_a_name_that_holds_a_mark_is_not_looked_at_again() -> None:
    pinned = pin()
    marks = [one.mark for one in pinned.texts["fr"].email_fields] + [pinned.links.unsubscribe]
    person = Person(LINKS, " ".join(marks)[:MAX_NAME])
    filled = fill(pinned.email("fr").text, pinned.substitutions("fr", person))
    assert f"Bonjour {person.name}," in filled


def test_two_pinnings_share_no_mark() -> None:
    first, second = pin(), pin()
    assert not {first.links.unsubscribe, *(one.mark for one in first.texts["fr"].email_fields)} & {
        second.links.unsubscribe, *(one.mark for one in second.texts["fr"].email_fields)
    }  # fmt: skip


def test_what_it_needs_to_know_of_a_person() -> None:
    assert (pin().uses_name, pin().attributes) == (True, ("city", "points"))
    plain = pin(mail())
    assert (plain.uses_name, plain.attributes, plain.individual) == (False, (), False)
    assert set(plain.substitutions("fr", Person(LINKS)).values()) == {
        LINKS.unsubscribe, LINKS.centre, LINKS.mailto,
    }  # fmt: skip


def test_it_is_kept_as_json() -> None:
    pinned = pin()
    assert Pinned.from_json(json.loads(json.dumps(pinned.to_json()))) == pinned


@pytest.mark.parametrize(
    ("locale", "value", "shown"),
    [
        ("fr", True, "oui"), ("en", False, "no"), ("fr", 1.5, "1,5"), ("en", 1.5, "1.5"), ("fr", 7, "7"),
        ("fr", "x" * 200, "x" * MAX_ATTRIBUTE), ("fr", None, ""),
    ],
)  # fmt: skip
def test_attributes_read_as_the_language_writes_them(locale: str, value: object, shown: str) -> None:
    both = {locale: {"subject": "x", "body": "[{{ attributes.a }}]"} for locale in ("fr", "en")}
    assert f"[{shown}]" in copy(pin(both), locale, a=value).text


def test_the_body_is_markdown() -> None:
    content = copy(pin(mail(body="# Titre\n\n**[Voir](https://a.example)** <b>brut</b>\n\n- un")))
    assert "<h2 style=" in content.html
    assert "&lt;b&gt;brut&lt;/b&gt;" in content.html
    assert "TITRE\n\nVoir (https://a.example) <b>brut</b>\n\n- un" in content.text
    assert content.html.count("<h1") == 1


def test_a_campaign_that_may_be_sent_has_no_problems() -> None:
    assert problems(CONTENT, BOTH) == {}
    assert problems(mail()) == {}
    assert problems({"fr": {"sms": "x"}}, (Channel.SMS,)) == {}


@pytest.mark.parametrize(
    ("content", "pointer", "words"),
    [
        ({}, "/content/fr", "is required"),
        ({"en": {"subject": "x", "body": "x"}}, "/content/fr", "is required"),
        ({"fr": {}}, "/content/fr/subject", "is required"),
        ({"fr": {"subject": "x"}}, "/content/fr/body", "is required"),
        ({**mail(), "en": {"subject": "x"}}, "/content/en/body", "is required"),
        ({**mail(), "de": {}}, "/content/de", "is not a language"),
        ({**mail(), "en": "x"}, "/content/en", "must be an object"),
        (mail(subject=""), "/content/fr/subject", "must not be empty"),
        (mail(subject="a\nBcc: x"), "/content/fr/subject", "control"),
        (mail(subject="x" * 201), "/content/fr/subject", "200"),
        (mail(preheader="x" * 201), "/content/fr/preheader", "200"),
        (mail(body="  \n"), "/content/fr/body", "must not be empty"),
        (mail(body="é" * 30_001), "/content/fr/body", "60000 bytes"),
        (mail(body="[a](http://a)\n\n" * 800), "/content/fr/body", "90 KB"),
        (mail(sms="x" * 641), "/content/fr/sms", "640"),
        (mail(html="x"), "/content/fr/html", "is not a known field"),
        (mail(body="{{ name }}\n{{ nom }}"), "/content/fr/body", "line 2: only {{ name }}"),
        (mail(body="{{ name | upper }}"), "/content/fr/body", "only {{ name }}"),
        (mail(body="{{ attributes.a.b }}"), "/content/fr/body", "only {{ name }}"),
        (mail(body="{{ name"), "/content/fr/body", "only {{ name }}"),
        (mail(subject="{% if name %}x{% endif %}"), "/content/fr/subject", "only {{ name }}"),
        (mail(body="a\n\n[x](javascript:alert(1))"), "/content/fr/body", "line 3: a link must be"),
        (mail(body="[x](https://a.example/{{ name }})"), "/content/fr/body", "line 1: a merge field cannot"),
        (mail(body=" ".join(f"{{{{ attributes.a{n} }}}}" for n in range(20))), "/content/fr", "too many"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(content: Any, pointer: str, words: str) -> None:
    assert words in problems(content)[pointer]


def test_what_is_wrong_besides_the_content() -> None:
    assert "is required" in problems(mail(), BOTH)["/content/fr/sms"]
    assert "marketing" in problems(mail(), about="order_updates")["/topic"]
    found = templates().campaign_problems("order_shipped", topic(), BOTH, CONTENT)
    assert [one.pointer for one in found] == ["/template"]
    assert "newsletter" in found[0].detail
    long = {"fr": {"sms": "x" * 600 + " ".join(f"{{{{ attributes.a{n} }}}}" for n in range(2))}}
    assert problems(long, (Channel.SMS,)) == {}
    full = {"fr": {"sms": " ".join(f"{{{{ attributes.a{n} }}}}" for n in range(20))}}
    assert "too long" in problems(full, (Channel.SMS,))["/content/fr/sms"]


def test_nothing_of_the_content_is_repeated_in_a_problem() -> None:
    found = problems(mail(subject="{{ Fatou }}", body="[x](ftp://Fatou)"))
    assert found
    assert "Fatou" not in str(found)


def test_only_templates_of_campaigns_are_pinned() -> None:
    with pytest.raises(NotFoundError):
        templates().pin("order_shipped", topic(), CONTENT, mailto=True)


def test_a_preview_shows_it_to_nobody_in_particular() -> None:
    given = CONTENT["fr"]
    assert templates().problems("newsletter", given) == []
    assert templates().email("newsletter", "fr", given, LINKS).subject == "Offre pour vous"
    assert "-20 %" in templates().sms("newsletter", "en", given, LINKS)
    assert [one.pointer for one in templates().problems("newsletter", {"subject": "x"})] == ["/body"]
    assert templates().problems("newsletter", {"sms": "x"}) == []
    assert [one.pointer for one in templates().problems("newsletter", {})] == ["/subject", "/body", "/sms"]
    info = templates().info("newsletter")
    assert info is not None
    assert info.topic is None
    assert templates().problems("newsletter", info.data_schema["examples"][0]) == []


def test_a_million_take_seconds() -> None:
    pinned, person = pin(mail()), Person(LINKS)
    begun = time.thread_time()
    for _ in range(2_000):
        pinned.substitutions("fr", person)
    # 0.5 µs each on an idle machine.
    assert (time.thread_time() - begun) / 2_000 < 20e-6
