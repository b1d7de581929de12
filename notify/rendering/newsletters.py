"""Templates of campaigns: from a campaign's content to what each person gets."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from jinja2 import TemplateError
from markupsafe import Markup, escape

from notify.domain.catalogue import LOCALES, Channel, Purpose, Topic
from notify.domain.content import EmailContent, Links, TemplateInfo
from notify.domain.errors import ConfigurationError, RenderingError
from notify.domain.newsletters import (
    Content,
    LinkMarks,
    Person,
    Pinned,
    PinnedTexts,
    channels_of,
)
from notify.rendering.compiling import Compiler, Sources, Texts
from notify.rendering.content_check import content_schema
from notify.rendering.copies import email_for, sms_for
from notify.rendering.filling import in_template, rendered
from notify.rendering.finishing import finished_sms, finished_subject, finished_text
from notify.rendering.folders import Folder, Layout
from notify.rendering.markdown import Body
from notify.rendering.merge_fields import Marks
from notify.rendering.personal import ATTRIBUTES, NAME, NOTHING, PersonalUse, personal_use
from notify.rendering.sandbox import MessageEnvironment
from notify.rendering.written import written

_TOPIC: Final = Topic(1, "sample", Purpose.MARKETING, dict.fromkeys(LOCALES, "x"), {}, {})
_VARIANTS: Final = ("campaign", "marketing")


@dataclass(frozen=True, slots=True)
class Newsletter:
    """One template of campaigns; `use` is what it shows of a person besides what the content does."""

    info: TemplateInfo
    styles: Mapping[str, str]
    sources: Mapping[str, Sources]
    texts: Mapping[str, Texts]
    use: PersonalUse

    def pin(self, topic: Topic, content: Content, *, mailto: bool) -> Pinned:
        """Render for good; `content` has no problems. RenderingError."""
        marks = Marks()
        links = marks.links(centre=True, mailto=mailto)
        texts = {
            locale: _Pinning(self, marks, links, locale, topic).texts(content[locale])
            for locale in LOCALES
            if locale in content
        }
        used = [one for each in texts.values() for one in (*each.email_fields, *each.sms_fields)]
        return Pinned(
            template=self.info.name,
            individual=self.use.individual,
            uses_name=self.use.name or any(one.attribute is None for one in used),
            attributes=tuple(sorted({one.attribute for one in used if one.attribute} | self.use.attributes)),
            links=links,
            topic=dict(topic.title),
            texts=texts,
        )


@dataclass(frozen=True, slots=True)
class _Pinning:
    """One language of one pinning."""

    newsletter: Newsletter
    marks: Marks
    links: LinkMarks
    locale: str
    topic: Topic

    def texts(self, given: Mapping[str, str]) -> PinnedTexts:
        channels = set(channels_of(given)) & set(self.newsletter.info.channels)
        individual = self.newsletter.use.individual
        email = self._email(given) if Channel.EMAIL in channels else None
        preheader = self._line(given.get("preheader", ""), html=False) if individual else ""
        sms = self._sms(given["sms"], None) if Channel.SMS in channels else None
        two_way = sms is not None and not individual  # else each copy is rendered by itself
        return PinnedTexts(
            email=email,
            sms=sms,
            sms_reply=self._sms(given["sms"], "") if two_way else None,
            sms_stop=self._sms(given["sms"], self.links.stop) if two_way else None,
            email_fields=(
                self.marks.fields_in(email.subject, email.html, email.text, preheader) if email else ()
            ),
            sms_fields=self.marks.fields_in(sms) if sms else (),
            preheader=preheader,
            sources=_given(asdict(self.newsletter.sources[self.locale])) if individual else {},
        )

    def _email(self, given: Mapping[str, str]) -> EmailContent:
        body = self.body(given["body"])
        html, text = body.html(self.newsletter.styles), self.marks.as_text(body.text())
        subject = self._line(given["subject"], html=False)
        if self.newsletter.use.individual:
            return EmailContent(subject, html, text)
        texts, place = self.newsletter.texts[self.locale], f"{self.newsletter.info.name}, {self.locale}"
        preheader = given.get("preheader", "")
        plain = self._context(
            html=False,
            subject=subject,
            preheader=self._line(preheader, html=False),
            body=Markup(text),  # noqa: S704 - plain text
        )
        marked = self._context(
            html=True,
            subject=escape(self._line(given["subject"], html=True)),
            preheader=escape(self._line(preheader, html=True)),
            body=Markup(html),  # noqa: S704 - made here, all of it escaped
        )
        return EmailContent(
            finished_subject(rendered(texts.subject, plain, f"{place}, subject")),
            rendered(texts.html, marked, f"{place}, HTML"),
            finished_text(rendered(texts.text, plain, f"{place}, text")),
        )

    def body(self, source: str) -> Body:
        return Body(self.marks.put_into(written(source), html=True), self.marks.tag)

    def _sms(self, source: str, stop: str | None) -> str:
        sms = self.marks.put_into(written(source), html=False)
        if self.newsletter.use.individual:
            return sms
        place = f"{self.newsletter.info.name}, {self.locale}, SMS"
        context = self._context(html=False, sms=Markup(sms))  # noqa: S704 - plain text
        context["links"] = in_template(Links(self.links.unsubscribe, stop=stop))
        return finished_sms(rendered(self.newsletter.texts[self.locale].sms, context, place))

    def _line(self, source: str, *, html: bool) -> str:
        return self.marks.put_into(" ".join(written(source).split()), html=html)

    def _context(self, *, html: bool, **content: str) -> dict[str, Any]:
        marks, links = self.marks, self.links
        use = self.newsletter.use
        return {
            **content,
            NAME: marks.mark(None, html=html),
            ATTRIBUTES: {name: marks.mark(name, html=html) for name in use.attributes},
            "topic": self.topic.title[self.locale],
            "links": in_template(Links(links.unsubscribe, links.centre, links.mailto)),
        }


def load_newsletter(path: Path, folder: Folder, layout: Layout) -> Newsletter:
    """Compile a template of campaigns, and try it out; ConfigurationError names file and problem."""
    sources, texts, use = {}, {}, NOTHING
    for locale in LOCALES:
        compiler = Compiler(folder, layout, locale, _VARIANTS, lambda _name: None)
        sources[locale] = compiler.sources()
        texts[locale] = compiler.texts(sources[locale])
        for source in _given(asdict(sources[locale])).values():
            try:
                use |= personal_use(MessageEnvironment(locale, html=False).parse(source))
            except TemplateError as error:
                raise ConfigurationError(f"{path}: {error}") from None
    info = TemplateInfo(path.name, None, folder.channels, tuple(texts), content_schema(folder.channels).json)
    newsletter = Newsletter(info, layout.styles(), sources, texts, use)
    _try_out(path, newsletter)
    return newsletter


def _try_out(path: Path, newsletter: Newsletter) -> None:
    """Render with sample contents: what fails for a campaign fails here first."""
    for extras, mailbox in (({}, None), ({"preheader": "x"}, "x@smarttontine.org")):
        given = {"subject": "x", "body": "x {{ name }}", "sms": "x {{ attributes.x }}", **extras}
        stop = "36105" if mailbox else None
        links = Links("https://smarttontine.org/u/x", "https://smarttontine.org/preferences/x", mailbox, stop)
        try:
            pinned = newsletter.pin(_TOPIC, dict.fromkeys(LOCALES, given), mailto=mailbox is not None)
            for locale in LOCALES:
                for name in (None, "Awa Diop"):
                    for part in _everything(newsletter, pinned, locale, Person(links, name)):
                        if links.unsubscribe not in part:
                            raise ConfigurationError(f"{path}: a text in {locale} lacks the unsubscribe link")
        except RenderingError as error:
            raise ConfigurationError(f"{path}: {error}: {error.__cause__}") from None


def _everything(newsletter: Newsletter, pinned: Pinned, locale: str, person: Person) -> Iterator[str]:
    if Channel.EMAIL in newsletter.info.channels:
        content = email_for(pinned, locale, person)
        yield content.html
        yield content.text
    if Channel.SMS in newsletter.info.channels:
        yield sms_for(pinned, locale, person)


def _given(parts: Mapping[str, str | None]) -> dict[str, str]:
    return {name: part for name, part in parts.items() if part is not None}
