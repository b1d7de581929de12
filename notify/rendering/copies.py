"""One person's copy of a newsletter that was pinned."""

from functools import lru_cache
from typing import Any, Final

from jinja2 import Template, TemplateError
from markupsafe import Markup

from notify.domain.catalogue import Channel
from notify.domain.content import EmailContent
from notify.domain.errors import RenderingError
from notify.domain.marks import fill
from notify.domain.newsletters import Person, Pinned, attribute_text, name_text
from notify.rendering.filling import in_template, rendered
from notify.rendering.finishing import finished_sms, finished_subject, finished_text
from notify.rendering.personal import ATTRIBUTES, NAME
from notify.rendering.sandbox import MessageEnvironment

_CACHED: Final = 64
"""Compiled texts of individual newsletters: four a language."""


def email_for(pinned: Pinned, wanted: str, person: Person) -> EmailContent:
    """Render one person's copy. RenderingError, LookupError."""
    locale = pinned.locale_on(wanted, Channel.EMAIL)
    content, given = pinned.email(locale), pinned.substitutions(locale, person)
    subject, html, text = (fill(part, given) for part in (content.subject, content.html, content.text))
    if not pinned.individual:
        return EmailContent(subject, html, text)
    texts = pinned.texts[locale]
    context = _person_context(pinned, locale, person)
    context |= {"subject": subject, "preheader": fill(texts.preheader, given)}
    plain, marked = {**context, "body": Markup(text)}, {**context, "body": Markup(html)}  # noqa: S704 - ours
    place = f"{pinned.template}, {locale}"
    return EmailContent(
        finished_subject(rendered(_compiled(pinned, locale, "subject"), plain, f"{place}, subject")),
        rendered(_compiled(pinned, locale, "html"), marked, f"{place}, HTML"),
        finished_text(rendered(_compiled(pinned, locale, "text"), plain, f"{place}, text")),
    )


def sms_for(pinned: Pinned, wanted: str, person: Person) -> str:
    """Render one person's copy of the SMS. RenderingError, LookupError."""
    locale = pinned.locale_on(wanted, Channel.SMS)
    text = fill(pinned.sms(locale, person.links.stop), pinned.sms_substitutions(locale, person))
    if pinned.individual:
        context = {**_person_context(pinned, locale, person), "sms": Markup(text)}  # noqa: S704 - plain text
        text = rendered(_compiled(pinned, locale, "sms"), context, f"{pinned.template}, {locale}, SMS")
    return finished_sms(text)


def _person_context(pinned: Pinned, locale: str, person: Person) -> dict[str, Any]:
    return {
        NAME: name_text(person.name),
        ATTRIBUTES: {name: attribute_text(person.attributes.get(name), locale) for name in pinned.attributes},
        "topic": pinned.topic[locale],
        "links": in_template(person.links),
    }


def _compiled(pinned: Pinned, locale: str, part: str) -> Template | None:
    source = pinned.texts[locale].sources.get(part)
    return None if source is None else _from_source(locale, source, html=part == "html")


@lru_cache(maxsize=_CACHED)
def _from_source(locale: str, source: str, *, html: bool) -> Template:
    environment = MessageEnvironment(locale, html=html)
    try:
        return environment.from_string(environment.checked(source))
    except TemplateError as error:
        raise RenderingError(f"a pinned template no longer compiles: {error}") from None
