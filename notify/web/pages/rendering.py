"""Turns a page's template and words into a response of one self-contained request."""

import base64
import gzip
import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, request, url_for
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from notify.domain.imprint import NO_IMPRINT, Imprint
from notify.domain.unbroken import unbroken
from notify.web.pages.languages import OTHER
from notify.web.pages.texts import Texts, load_texts

_COMPRESS_FROM: Final = 1024
"""Bytes; below that gzip gains nothing on the wire."""

_WEB_ADDRESS: Final = re.compile(r"https?://(?:[^\s&]|&amp;)*[^\s&.,;:!?)]")
"""In escaped text, where quotes and angle brackets are `&…;` as well."""

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Content-Type-Options": "nosniff",
}


class Pages:
    """The page templates of this installation, compiled and styled, in every language."""

    def __init__(self, directory: Path, imprint: Imprint = NO_IMPRINT) -> None:
        """Load `directory` (`templates/pages`); ConfigurationError if a language lacks words.

        `imprint` stands below every page.
        """
        self._imprint = imprint
        self._texts = load_texts(directory)
        self._environment = Environment(
            loader=FileSystemLoader(directory),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["moment"] = _moment
        self._environment.filters["linked"] = _linked
        style = (directory / "page.css").read_text(encoding="utf-8").strip()
        with_outbox = style + (directory / "outbox.css").read_text(encoding="utf-8").strip()
        self._styles = {
            outbox: (css, _policy(css, frames=outbox))
            for outbox, css in ((False, style), (True, with_outbox))
        }

    def texts(self, locale: str) -> Texts:
        """Return the words of one language."""
        return self._texts[locale]

    def respond(
        self,
        template: str,
        locale: str,
        *,
        status: int = 200,
        switch: str | None = None,
        outbox: bool = False,
        **context: object,
    ) -> Response:
        """Render `template` as a whole response.

        `switch` is the address of the same page in the other language, None where there is none to GET.
        `outbox` adds the outbox's own style, and lets the page hold a frame of this site.
        """
        body = self.rendered(template, locale, switch=switch, outbox=outbox, **context)
        return self.response(body, locale, status=status, outbox=outbox)

    def rendered(
        self,
        template: str,
        locale: str,
        *,
        switch: str | None = None,
        outbox: bool = False,
        **context: object,
    ) -> str:
        """Render `template` to text, with the arguments of `respond`."""
        css, _ = self._styles[outbox]
        page = self._environment.get_template(f"{template}.html").render(
            t=self._texts[locale],
            style=Markup(css),  # noqa: S704 - our own file
            lang=locale,
            other=OTHER[locale],
            switch=switch,
            imprint=self._imprint,
            **context,
        )
        return unbroken(page, '<span class="nb">')

    def response(self, body: str, locale: str, *, status: int = 200, outbox: bool = False) -> Response:
        """Answer with what `rendered` returned."""
        response = Response(body, status=status, mimetype="text/html")
        response.headers["Content-Language"] = locale
        _, response.headers["Content-Security-Policy"] = self._styles[outbox]
        return response


def _linked(text: str) -> Markup:
    """Make web addresses clickable, and change nothing else of what is shown."""
    link = r'<a href="\g<0>" target="_blank" rel="noopener noreferrer">\g<0></a>'
    return Markup(_WEB_ADDRESS.sub(link, str(escape(text))))  # noqa: S704 - escaped just here


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _policy(css: str, *, frames: bool) -> str:
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    parts = [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "img-src data:",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
    return "; ".join([*parts, "frame-src 'self'"] if frames else parts)


def finish(response: Response) -> Response:
    """Add what every page carries, and compress it if the client can take it."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.vary.update(("Accept-Encoding", "Accept-Language"))
    takes_gzip = request.accept_encodings.quality("gzip") > 0
    if response.direct_passthrough or not takes_gzip or "Content-Encoding" in response.headers:
        return response
    body = response.get_data()
    if len(body) >= _COMPRESS_FROM:
        response.set_data(gzip.compress(body, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response


def route(
    blueprint: Blueprint, rule: str, endpoint: str, view: Callable[..., Response], *methods: str
) -> None:
    """Route `rule` with and without a trailing slash, which never redirects."""
    for spelling in (rule, f"{rule}/"):
        blueprint.add_url_rule(spelling, endpoint, view, methods=methods, strict_slashes=True)


def in_language(endpoint: str, locale: str, **values: str) -> str:
    """Return the address of a page of the same blueprint, in that language."""
    return url_for(f".{endpoint}", _external=False, lang=locale, **values)


def switch_from(locale: str, endpoint: str, **values: str) -> str | None:
    """Return where the other language is read; None on an answer to a form, whose undo a GET would lose."""
    return None if request.method == "POST" else in_language(endpoint, OTHER[locale], **values)
