"""The templates of an installation, read from their folders once and rendered from memory."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from notify.domain.catalogue import DEFAULT_LOCALE, LOCALES, Catalogue, Channel, Purpose, Topic
from notify.domain.content import RECIPIENT_NAME, EmailContent, Links, TemplateInfo
from notify.domain.errors import ConfigurationError, FieldProblem, NotFoundError, RenderingError
from notify.domain.folding import fold
from notify.domain.imprint import NO_IMPRINT, Imprint
from notify.domain.newsletters import Content, Person, Pinned
from notify.rendering.campaigns import campaign_problems, preview_email, preview_problems, preview_sms
from notify.rendering.compiling import Compiler, Texts
from notify.rendering.copies import email_for, sms_for
from notify.rendering.filling import in_template, rendered
from notify.rendering.finishing import finished_sms, finished_subject, finished_text
from notify.rendering.folders import Folder, Layout, read_folder, template_folders
from notify.rendering.newsletters import Newsletter, load_newsletter
from notify.rendering.schema import DataSchema
from notify.rendering.shapes import Shapes, Trials, parse_all

_SAMPLE_LINKS: Final = (
    Links("https://smarttontine.org/u/sample"),
    Links(
        "https://smarttontine.org/u/sample",
        "https://smarttontine.org/preferences/sample",
        "sample@unsubscribe.smarttontine.org",
        "36105",
    ),
    Links("https://smarttontine.org/u/sample", stop=""),
)
_SAMPLE_NAMES: Final[Sequence[Mapping[str, str]]] = ({}, {RECIPIENT_NAME: "Awa Diop"}, {})


@dataclass(frozen=True, slots=True)
class _Loaded:
    info: TemplateInfo
    topic: Topic
    schema: DataSchema
    texts: Mapping[str, Texts]
    trials: Trials


class FileTemplates:
    """Implements ports.Templates over the folders of one directory, all compiled when it is made."""

    def __init__(
        self, directory: Path, catalogue: Catalogue, *, fold_sms: bool = False, imprint: Imprint = NO_IMPRINT
    ) -> None:
        """Load and try out all templates; ConfigurationError names file and problem.

        `fold_sms`: write every SMS with the nearest letters of the GSM alphabet where that makes it cheaper.
        `imprint` stands below every e-mail.
        """
        self._finish: Callable[[str], str] = fold if fold_sms else str
        self._directory = directory
        layout = Layout(directory, imprint)
        self._templates: dict[str, _Loaded] = {}
        self._campaigns: dict[str, Newsletter] = {}
        self._internal: dict[str, TemplateInfo] = {}
        for path in template_folders(directory):
            folder = read_folder(path)
            if folder.topic is None:
                self._campaigns[path.name] = load_newsletter(path, folder, layout)
            else:
                self._templates[path.name] = _load(path, folder, folder.topic, layout, catalogue)
            if folder.internal:
                self._internal[path.name] = self._templates[path.name].info
        marketing = [topic for topic in catalogue if topic.purpose is Purpose.MARKETING]
        self._shown_topic = next(iter(marketing or catalogue))
        for name, template in self._templates.items():
            unknown = set(template.info.supersedes) - self._templates.keys()
            if unknown:
                place = directory / name / "template.toml"
                raise ConfigurationError(
                    f"{place}: supersedes names no template: {', '.join(sorted(unknown))}"
                )
            _try_out(directory / name, template)

    @property
    def internal(self) -> Mapping[str, TemplateInfo]:
        """The templates that the service sends by itself, by name."""
        return self._internal

    def require(self, names: Iterable[str]) -> None:
        """Make sure that these internal templates are there; ConfigurationError names those that are not."""
        if missing := sorted(set(names) - self._internal.keys()):
            text = (
                f"{self._directory}: lacks templates of the service's own, as shipped: {', '.join(missing)}"
            )
            raise ConfigurationError(text)

    def names(self) -> Sequence[str]:
        """Return the names of all templates that callers can name."""
        return tuple(sorted({**self._templates, **self._campaigns}.keys() - self._internal.keys()))

    def info(self, name: str) -> TemplateInfo | None:
        """Return what a template is, if there is one of that name that callers can name."""
        if name in self._internal:
            return None
        template = self._templates.get(name) or self._campaigns.get(name)
        return template.info if template else None

    def problems(self, name: str, data: Mapping[str, Any]) -> Sequence[FieldProblem]:
        """Return what of `data` breaks the schema or would not render; pointers are into `data`.

        The data of a template of campaigns is one language's content.
        """
        if newsletter := self._campaigns.get(name):
            return preview_problems(newsletter, data)
        template = self._named(name)
        found = template.schema.problems(data)
        if found:
            return found
        if template.trials.passed(data):
            return []
        try:
            # One language is enough: each was tried with every field in and out when it was loaded.
            list(_everything(template, DEFAULT_LOCALE, data, _SAMPLE_LINKS[1]))
        except RenderingError:
            return [FieldProblem("", "does not render with this template")]
        template.trials.note(data)
        return []

    def email(self, name: str, locale: str, data: Mapping[str, Any], links: Links) -> EmailContent:
        """Render an e-mail with its unsubscribe footer. NotFoundError, RenderingError."""
        try:
            if newsletter := self._campaigns.get(name):
                return preview_email(newsletter, self._shown_topic, locale, data, links)
            return _email(self._named(name), locale, data, links)
        except RenderingError as error:
            raise error from None  # the cause may quote the data

    def sms(self, name: str, locale: str, data: Mapping[str, Any], links: Links) -> str:
        """Render an SMS with its unsubscribe link. NotFoundError, RenderingError."""
        try:
            if newsletter := self._campaigns.get(name):
                return self._finish(preview_sms(newsletter, self._shown_topic, locale, data, links))
            return self._finish(_sms(self._named(name), locale, data, links))
        except RenderingError as error:
            raise error from None  # the cause may quote the data

    def campaign_problems(
        self, name: str, topic: Topic, channels: Sequence[Channel], content: Content
    ) -> Sequence[FieldProblem]:
        """Return what keeps a campaign from being sent; pointers are into it, as /content/fr/subject."""
        newsletter = self._campaigns.get(name)
        if newsletter is None:
            known = ", ".join(self._campaigns) or "none"
            return [FieldProblem("/template", f"is no template of campaigns; there are: {known}")]
        return campaign_problems(newsletter, topic, channels, content)

    def pin(self, name: str, topic: Topic, content: Content, *, mailto: bool) -> Pinned:
        """Render a campaign for good, but for what differs by person. RenderingError, NotFoundError."""
        newsletter = self._campaigns.get(name)
        if newsletter is None:
            raise NotFoundError("there is no template of campaigns of that name")
        return newsletter.pin(topic, content, mailto=mailto)

    def email_for(self, pinned: Pinned, locale: str, person: Person) -> EmailContent:
        """Render one person's copy of a newsletter, of either kind. RenderingError."""
        try:
            return email_for(pinned, locale, person)
        except RenderingError as error:
            raise error from None  # the cause may quote the name

    def sms_for(self, pinned: Pinned, locale: str, person: Person) -> str:
        """Render one person's copy of a newsletter's SMS, of either kind. RenderingError."""
        try:
            return self._finish(sms_for(pinned, locale, person))
        except RenderingError as error:
            raise error from None  # the cause may quote the name

    def _named(self, name: str) -> _Loaded:
        template = self._templates.get(name)
        if template is None:
            raise NotFoundError("there is no template of that name")
        return template


def _load(path: Path, folder: Folder, topic_name: str, layout: Layout, catalogue: Catalogue) -> _Loaded:
    topic = catalogue[topic_name] if folder.internal else catalogue.named(topic_name)
    if topic is None:
        raise ConfigurationError(f"{path / 'template.toml'}: topics.toml has no topic {topic_name}")
    try:
        schema = DataSchema(folder.data, layout.fields)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path / 'template.toml'}: {error}") from None
    texts, sources = {}, {}
    for locale in LOCALES:
        compiler = Compiler(folder, layout, locale, (topic.name, topic.purpose), schema.format_of)
        sources[locale] = compiler.sources()
        texts[locale] = compiler.texts(sources[locale])
    info = TemplateInfo(
        name=path.name,
        topic=topic_name,
        channels=folder.channels,
        locales=tuple(texts),
        data_schema=schema.json,
        expires_after=folder.expires_after,
        supersedes=folder.supersedes,
    )
    tried = sources[DEFAULT_LOCALE]
    parsed = parse_all((tried.subject, tried.html, tried.text, tried.sms), DEFAULT_LOCALE)
    return _Loaded(info, topic, schema, texts, Trials(Shapes(schema.json, parsed)))


def _try_out(path: Path, template: _Loaded) -> None:
    """Render with every sample in every language: what fails for a customer fails here first."""
    for locale in template.texts:
        for label, data in template.schema.variants():
            for links, name in zip(_SAMPLE_LINKS, _SAMPLE_NAMES, strict=True):
                try:
                    for part in _everything(template, locale, {**data, **name}, links):
                        if links.unsubscribe not in part:
                            raise ConfigurationError(f"{path}: a text in {locale} lacks the unsubscribe link")
                except RenderingError as error:
                    raise ConfigurationError(f"{path}: {error} ({label}): {error.__cause__}") from None


def _everything(template: _Loaded, locale: str, data: Mapping[str, Any], links: Links) -> Iterator[str]:
    if Channel.EMAIL in template.info.channels:
        content = _email(template, locale, data, links)
        yield content.html
        yield content.text
    if Channel.SMS in template.info.channels:
        yield _sms(template, locale, data, links)


def _email(template: _Loaded, locale: str, data: Mapping[str, Any], links: Links) -> EmailContent:
    locale = locale if locale in template.texts else DEFAULT_LOCALE
    texts = template.texts[locale]
    context = _context(template, locale, data, links)
    place = f"{template.info.name}, {locale}"
    return EmailContent(
        finished_subject(rendered(texts.subject, context, f"{place}, subject")),
        rendered(texts.html, context, f"{place}, HTML"),
        finished_text(rendered(texts.text, context, f"{place}, text")),
    )


def _sms(template: _Loaded, locale: str, data: Mapping[str, Any], links: Links) -> str:
    locale = locale if locale in template.texts else DEFAULT_LOCALE
    context = _context(template, locale, data, links)
    return finished_sms(rendered(template.texts[locale].sms, context, f"{template.info.name}, {locale}, SMS"))


def _context(template: _Loaded, locale: str, data: Mapping[str, Any], links: Links) -> dict[str, Any]:
    return {
        **template.schema.context(data),
        "recipient_name": data.get(RECIPIENT_NAME),
        "topic": template.topic.title[locale],
        "links": in_template(links),
    }
