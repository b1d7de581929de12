"""Turns the files of one template and one language into compiled Jinja templates, once, at load."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import mrml
from jinja2 import Template, TemplateError

from notify.domain.catalogue import Channel
from notify.domain.errors import ConfigurationError
from notify.domain.unbroken import INLINE, unbroken
from notify.rendering.folders import Folder, Layout
from notify.rendering.sandbox import MessageEnvironment

_JINJA: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
# No letter at either end: the words beside it stay whole words.
_TOKEN: Final = re.compile(r"~qzjinja(\d+)~")
_ACTIVE: Final = re.compile(r"<script|<iframe|<object|<form|\son[a-z]+\s*=", re.IGNORECASE)
_ADDRESS: Final = re.compile(
    r"""\b(?:href|src|background|action)\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE
)
_WHOLE_FIELD: Final = re.compile(r"\s*\{\{ *([a-z_][a-z0-9_]*)(?:\.[a-z_]+)? *\}\}\s*")
_OWN_HOST: Final = re.compile(r"https?://[^\s/{}]+/")


@dataclass(frozen=True, slots=True)
class Sources:
    """A template in one language, in Jinja; None for a channel it does not have."""

    subject: str | None
    html: str | None
    text: str | None
    sms: str | None


@dataclass(frozen=True, slots=True)
class Texts:
    """A template in one language, compiled; None for a channel it does not have."""

    subject: Template | None
    html: Template | None
    text: Template | None
    sms: Template | None


class Compiler:
    """Compiles one template in one language; every error names the file."""

    def __init__(
        self,
        folder: Folder,
        layout: Layout,
        locale: str,
        variants: Sequence[str],
        format_of: Callable[[str], str | None],
    ) -> None:
        """Take what it works on; `format_of` tells the schema's format of a field."""
        self._folder = folder
        self._layout = layout
        self._locale = locale
        self._variants = variants
        self._format_of = format_of

    def sources(self) -> Sources:
        """Put the texts together; ConfigurationError."""
        lines = self._folder.lines.get(self._locale)
        sms = Channel.SMS in self._folder.channels
        return Sources(
            subject=lines["subject"] if lines else None,
            html=self._html(lines) if lines else None,
            text=self._framed("email", "txt", lines) if lines else None,
            sms=self._framed("sms", "txt", {}) if sms else None,
        )

    def texts(self, sources: Sources) -> Texts:
        """Compile everything; ConfigurationError."""
        plain, html = (
            MessageEnvironment(self._locale, html=False),
            MessageEnvironment(self._locale, html=True),
        )
        return Texts(
            subject=self._compiled(plain, self._folder.path / "template.toml", sources.subject),
            html=self._compiled(html, self._file("email", "mjml"), sources.html),
            text=self._compiled(plain, self._file("email", "txt"), sources.text),
            sms=self._compiled(plain, self._file("sms", "txt"), sources.sms),
        )

    def _file(self, channel: str, kind: str) -> Path:
        return self._folder.path / f"{channel}.{self._locale}.{kind}"

    def _framed(self, channel: str, kind: str, given: Mapping[str, str]) -> str:
        return self._layout.framed(self._file(channel, kind), self._locale, given, self._variants)

    def _html(self, lines: Mapping[str, str]) -> str:
        path = self._file("email", "mjml")
        source = html_of(self._framed("email", "mjml", lines), path)
        self._refuse_unsafe(source, path)
        return source

    def _refuse_unsafe(self, html: str, path: Path) -> None:
        """Data may stand in an address only where the schema holds it to http(s), or after a fixed host."""
        if _ACTIVE.search(html):
            raise ConfigurationError(f"{path}: scripts, forms and frames do not work in mails")
        for match in _ADDRESS.finditer(html):
            address = match[1] or match[2] or ""
            if not _JINJA.search(address) or _OWN_HOST.match(address):
                continue
            whole = _WHOLE_FIELD.fullmatch(address)
            if whole is None or (whole[1] != "links" and self._format_of(whole[1]) != "uri"):
                raise ConfigurationError(f'{path}: {address} is an address: give the field format = "uri"')

    @staticmethod
    def _compiled(environment: MessageEnvironment, path: Path, source: str | None) -> Template | None:
        if source is None:
            return None
        try:
            return environment.from_string(environment.checked(source))
        except (TemplateError, RecursionError) as error:
            raise ConfigurationError(f"{path}: {error}") from None


def html_of(mjml: str, path: Path) -> str:
    """Compile MJML, the Jinja inside kept as it is; ConfigurationError names `path`."""
    kept: list[str] = []

    def hidden(match: re.Match[str]) -> str:
        # Out of the way of XML: `<` and quotes are meant for Jinja.
        kept.append(match[0])
        return f"~qzjinja{len(kept) - 1}~"

    # Without `fonts` it links fonts.googleapis.com, which would tell a third party who opened the mail.
    options = mrml.RenderOptions(disable_comments=True, fonts={})
    try:
        output = mrml.to_html(_JINJA.sub(hidden, mjml), None, options)
    except OSError as error:
        raise ConfigurationError(f"{path}: not valid MJML: {error}") from None
    if output.warnings:
        raise ConfigurationError(f"{path}: MJML: {'; '.join(map(str, output.warnings))}")
    whole = unbroken(output.content, INLINE)
    return _TOKEN.sub(lambda match: kept[int(match[1])], whole)
