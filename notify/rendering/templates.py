"""The templates of an installation, read from their folders once and rendered from memory."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jinja2 import Template

from notify.domain.catalogue import DEFAULT_LOCALE, LOCALES, Catalogue, Channel, Topic
from notify.domain.content import RECIPIENT_NAME, EmailContent, Links, TemplateInfo
from notify.domain.errors import ConfigurationError, FieldProblem, NotFoundError, RenderingError
from notify.rendering.compiling import Compiler, Texts
from notify.rendering.folders import Layout, read_folder, template_folders
from notify.rendering.schema import DataSchema

_SAMPLE_LINKS: Final = (
    Links("https://smarttontine.org/u/sample"),
    Links(
        "https://smarttontine.org/u/sample",
        "https://smarttontine.org/preferences/sample",
        "sample@unsubscribe.smarttontine.org",
    ),
)
_SPACES: Final = re.compile(r"\s+")
_LINE_ENDS: Final = re.compile(r"[^\S\n]*\n[^\S\n]*")
_TRAILING: Final = re.compile(r"[^\S\n]+$", re.MULTILINE)
_BLANK_LINES: Final = re.compile(r"\n{3,}")
_INLINE_SPACES: Final = re.compile(r"[^\S\n]+")


@dataclass(frozen=True, slots=True)
class _Loaded:
    info: TemplateInfo
    topic: Topic
    schema: DataSchema
    texts: Mapping[str, Texts]


class FileTemplates:
    """Implements ports.Templates over the folders of one directory, all compiled when it is made."""

    def __init__(self, directory: Path, catalogue: Catalogue) -> None:
        """Load and try out all templates; ConfigurationError names file and problem."""
        layout = Layout(directory)
        self._templates = {path.name: _load(path, layout, catalogue) for path in template_folders(directory)}
        for name, template in self._templates.items():
            unknown = set(template.info.supersedes) - self._templates.keys()
            if unknown:
                place = directory / name / "template.toml"
                raise ConfigurationError(
                    f"{place}: supersedes names no template: {', '.join(sorted(unknown))}"
                )
            _try_out(directory / name, template)

    def names(self) -> Sequence[str]:
        """Return the names of all templates."""
        return tuple(self._templates)

    def info(self, name: str) -> TemplateInfo | None:
        """Return what a template is, if there is one of that name."""
        template = self._templates.get(name)
        return template.info if template else None

    def problems(self, name: str, data: Mapping[str, Any]) -> Sequence[FieldProblem]:
        """Return what of `data` breaks the schema or would not render; pointers are into `data`."""
        template = self._named(name)
        found = template.schema.problems(data)
        if found:
            return found
        try:
            # One language is enough: each was tried with every field in and out when it was loaded.
            list(_everything(template, DEFAULT_LOCALE, data, _SAMPLE_LINKS[1]))
        except RenderingError:
            return [FieldProblem("", "does not render with this template")]
        return []

    def email(self, name: str, locale: str, data: Mapping[str, Any], links: Links) -> EmailContent:
        """Render an e-mail with its unsubscribe footer. NotFoundError, RenderingError."""
        try:
            return _email(self._named(name), locale, data, links)
        except RenderingError as error:
            raise error from None  # the cause may quote the data

    def sms(self, name: str, locale: str, data: Mapping[str, Any], links: Links) -> str:
        """Render an SMS with its unsubscribe link. NotFoundError, RenderingError."""
        try:
            return _sms(self._named(name), locale, data, links)
        except RenderingError as error:
            raise error from None  # the cause may quote the data

    def _named(self, name: str) -> _Loaded:
        template = self._templates.get(name)
        if template is None:
            raise NotFoundError("there is no template of that name")
        return template


def _load(path: Path, layout: Layout, catalogue: Catalogue) -> _Loaded:
    folder = read_folder(path)
    topic = catalogue.named(folder.topic or "")
    if topic is None:
        raise ConfigurationError(f"{path / 'template.toml'}: topics.toml has no topic {folder.topic}")
    try:
        schema = DataSchema(folder.data, layout.fields)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path / 'template.toml'}: {error}") from None
    texts = {
        locale: Compiler(folder, layout, locale, (topic.purpose,), schema.format_of).texts()
        for locale in LOCALES
    }
    info = TemplateInfo(
        name=path.name,
        topic=folder.topic,
        channels=folder.channels,
        locales=tuple(texts),
        data_schema=schema.json,
        expires_after=folder.expires_after,
        supersedes=folder.supersedes,
    )
    return _Loaded(info, topic, schema, texts)


def _try_out(path: Path, template: _Loaded) -> None:
    """Render with every sample in every language: what fails for a customer fails here first."""
    for locale in template.texts:
        for label, data in template.schema.variants():
            for links, name in zip(_SAMPLE_LINKS, ({}, {RECIPIENT_NAME: "Awa Diop"}), strict=True):
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
    # A subject is one header line; characters that could end it never get there.
    subject = _SPACES.sub(" ", _rendered(texts.subject, context, f"{place}, subject")).strip()
    html = _rendered(texts.html, context, f"{place}, HTML")
    text = _TRAILING.sub("", _rendered(texts.text, context, f"{place}, text"))
    return EmailContent(subject, html, _BLANK_LINES.sub("\n\n", text).strip() + "\n")


def _sms(template: _Loaded, locale: str, data: Mapping[str, Any], links: Links) -> str:
    locale = locale if locale in template.texts else DEFAULT_LOCALE
    context = _context(template, locale, data, links)
    text = _rendered(template.texts[locale].sms, context, f"{template.info.name}, {locale}, SMS")
    # One non-breaking or narrow space would turn the whole text into UCS-2, at twice the price.
    spaced = _LINE_ENDS.sub("\n", _INLINE_SPACES.sub(" ", unicodedata.normalize("NFC", text)))
    return re.sub(r"\n+", "\n", spaced).strip()


def _context(template: _Loaded, locale: str, data: Mapping[str, Any], links: Links) -> dict[str, Any]:
    return {
        **template.schema.context(data),
        "recipient_name": data.get(RECIPIENT_NAME),
        "topic": template.topic.title[locale],
        "links": {
            "unsubscribe": links.unsubscribe,
            "centre": links.centre,
            # With a subject: some mail apps ask twice before they send a mail without one.
            "mailto": links.mailto and f"mailto:{links.mailto}?subject=unsubscribe",
            "mailbox": links.mailto,
        },
    }


def _rendered(compiled: Template | None, context: Mapping[str, Any], place: str) -> str:
    if compiled is None:
        raise RenderingError(f"{place}: the template does not have this channel")
    try:
        return compiled.render(context)
    except Exception as error:  # filters fail in many ways
        raise RenderingError(f"{place}: {type(error).__name__}") from error
