"""What a campaign's content becomes when it is scheduled: texts with marks where each one's own text goes."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from html import escape
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Self

from notify.domain.catalogue import DEFAULT_LOCALE, Channel
from notify.domain.characters import shown
from notify.domain.content import EmailContent, Links

Content = Mapping[str, Mapping[str, str]]
"""By locale: subject, preheader, body (Markdown) and sms of a campaign; a language or text may be missing."""

MAX_NAME: Final = 80
"""Characters of a name that a newsletter shows; SendGrid bounds the substitutions of one person."""

MAX_ATTRIBUTE: Final = 100
"""Characters of an attribute that a newsletter shows."""

_YES_NO: Final[Mapping[str, Mapping[bool, str]]] = {
    "fr": {True: "oui", False: "non"},
    "en": {True: "yes", False: "no"},
}


class Person(NamedTuple):
    """What a newsletter says of one person; `name` and `attributes` only where `Pinned` says it uses them."""

    links: Links
    name: str | None = None
    attributes: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class MergeField:
    """A mark that stands for a person's name (`attribute` None) or attribute, or else for `default`.

    `html`: the value is escaped, for markup and for quoted attributes of it.
    """

    mark: str
    attribute: str | None
    default: str
    html: bool


@dataclass(frozen=True, slots=True)
class LinkMarks:
    """The marks of the links, and of the short code for STOP; None where there is no such link."""

    unsubscribe: str
    centre: str | None
    mailto: str | None
    stop: str | None = None


@dataclass(frozen=True, slots=True)
class PinnedTexts:
    """A newsletter in one language; None for what the content did not give.

    `sms_reply` and `sms_stop` are the SMS for those whose sender can be answered, and for those who send STOP
    to a short code; where they are None, `sms` is for all.
    `sources`, of individual newsletters only, is the template's text as it was when it was pinned; `email`
    and `sms` are then the content's own texts, which go into it.
    """

    email: EmailContent | None
    sms: str | None
    sms_reply: str | None = None
    sms_stop: str | None = None
    email_fields: tuple[MergeField, ...] = ()
    sms_fields: tuple[MergeField, ...] = ()
    preheader: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read one language of what `Pinned.to_json` made."""
        email = value["email"]
        return cls(
            **{
                **value,
                "email": EmailContent(**email) if email else None,
                "email_fields": tuple(MergeField(**one) for one in value["email_fields"]),
                "sms_fields": tuple(MergeField(**one) for one in value["sms_fields"]),
            }
        )


@dataclass(frozen=True, slots=True)
class Pinned:
    """A newsletter as it was scheduled: nothing that is changed later changes it.

    `individual`: the template looks at the person, so that each copy is rendered by itself
    (`Templates.email_for`, `sms_for`, which take the other kind too). Of others, `email` is the same for
    everybody of a language, and `substitutions` are what differs. `uses_name` and `attributes` are all it
    needs to know of a person besides the links.
    """

    template: str
    individual: bool
    uses_name: bool
    attributes: tuple[str, ...]
    links: LinkMarks
    topic: Mapping[str, str]
    texts: Mapping[str, PinnedTexts]

    def locale(self, wanted: str) -> str:
        """Return the language in which somebody who reads `wanted` gets it: that one, or French."""
        return wanted if wanted in self.texts else DEFAULT_LOCALE

    def locale_on(self, wanted: str, channel: Channel) -> str:
        """Return the same for one channel: a language may have a text for the other one only."""
        texts = self.texts.get(wanted)
        if texts is None or (texts.email if channel is Channel.EMAIL else texts.sms) is None:
            return DEFAULT_LOCALE
        return wanted

    def email(self, locale: str) -> EmailContent:
        """Return the e-mail with its marks. LookupError if the content has none."""
        texts = self.texts.get(locale)
        found = texts.email if texts else None
        if found is None:
            found = self.texts[DEFAULT_LOCALE].email
        if found is None:
            raise LookupError("this newsletter has no e-mail")
        return found

    def substitutions(self, locale: str, person: Person) -> dict[str, str]:
        """Return what stands for each mark of the e-mail in one person's copy."""
        marks, links = self.links, person.links
        # Of base64url and a configured host, links read the same in HTML and in plain text.
        found = {marks.unsubscribe: links.unsubscribe}
        if marks.centre:
            found[marks.centre] = links.centre or ""
        if marks.mailto:
            found[marks.mailto] = links.mailto or ""
        if self.uses_name or self.attributes:
            locale = self.locale_on(locale, Channel.EMAIL)
            found.update(_values(self.texts[locale].email_fields, locale, person))
        return found

    def sms(self, locale: str, stop: str | None = None) -> str:
        """Return the SMS with its marks; `stop` as in `Links`. LookupError if the content has none."""
        texts = self.texts[self.locale_on(locale, Channel.SMS)]
        if texts.sms is None:
            raise LookupError("this newsletter has no SMS")
        if stop is None:
            return texts.sms
        return (texts.sms_stop if stop else texts.sms_reply) or texts.sms

    def sms_substitutions(self, locale: str, person: Person) -> dict[str, str]:
        """Return what stands for each mark of the SMS in one person's copy."""
        locale = self.locale_on(locale, Channel.SMS)
        found = {self.links.unsubscribe: person.links.unsubscribe}
        if self.links.stop and person.links.stop:
            found[self.links.stop] = person.links.stop
        found.update(_values(self.texts[locale].sms_fields, locale, person))
        return found

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what `to_json` made."""
        return cls(
            **{
                **value,
                "attributes": tuple(value["attributes"]),
                "links": LinkMarks(**value["links"]),
                "texts": {locale: PinnedTexts.from_json(texts) for locale, texts in value["texts"].items()},
            }
        )


def channels_of(content: Mapping[str, str]) -> tuple[Channel, ...]:
    """Return the channels that one language's content has a text for."""
    email = Channel.EMAIL if "subject" in content or "body" in content else None
    sms = Channel.SMS if "sms" in content else None
    return tuple(channel for channel in (email, sms) if channel)


def _values(fields: tuple[MergeField, ...], locale: str, person: Person) -> Iterator[tuple[str, str]]:
    name = name_text(person.name)
    for one in fields:
        attribute = one.attribute
        text = (
            name if attribute is None else attribute_text(person.attributes.get(attribute), locale)
        ) or one.default
        yield one.mark, escape(text) if one.html else text


def name_text(name: str | None) -> str:
    """Return a name as a newsletter shows it; "" for none."""
    return shown(name)[:MAX_NAME].strip() if name else ""


def attribute_text(value: object, locale: str) -> str:
    """Write an attribute as people of a language do; "" for what is missing."""
    if isinstance(value, str):
        return shown(value)[:MAX_ATTRIBUTE].strip()
    if isinstance(value, bool):
        return _YES_NO[locale][value]
    if isinstance(value, float):
        text = f"{value:.15g}"
        return text.replace(".", ",") if locale == "fr" else text
    return str(value) if isinstance(value, int) else ""
