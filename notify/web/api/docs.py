"""The description of the API, and its documentation in the browser, served from here alone."""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, abort, request

from notify.domain.errors import ConfigurationError
from notify.web.api.answers import JSON, to_json
from notify.web.api.openapi import describe
from notify.web.problem_kinds import INTERNAL, KINDS, OF_HTTP, Kind

# Swagger UI sets style attributes from its script and shows icons as data: URLs; all else is from here.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
_ASSETS: Final = {
    "swagger-ui.css": ("css/swagger-ui.css", "text/css; charset=utf-8"),
    "swagger-ui-bundle.js": ("js/swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
}
_START: Final = """window.addEventListener("load", () => {
  SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#docs",
    deepLinking: true,
    validatorUrl: null,
    displayRequestDuration: true,
    defaultModelsExpandDepth: 0,
    tryItOutEnabled: true,
  });
});
"""
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
{head}
</head>
<body>
{body}
</body>
</html>
"""
_CODE: Final = re.compile("`([^`]+)`")
_STYLE: Final = """body { margin: 0; }
main { max-width: 44rem; margin: 0 auto; padding: 1rem; }
main { font: 1rem/1.6 system-ui, sans-serif; color: #1b2733; }
main h1 { font-size: 1.6rem; }
main h2 { font-size: 1.1rem; margin: 1.5rem 0 .25rem; }
main p { margin: 0 0 .5rem; }
main a { color: #0b5d46; }
main code { background: #f4f6f5; padding: 0 .25em; }
:target { outline: .15rem solid #0b5d46; outline-offset: .5rem; }
.swagger-ui .info { margin: 1.5rem 0; }
"""


@dataclass(frozen=True, slots=True)
class _Document:
    """Something served as it is; its tag lets a browser ask whether it changed."""

    content: bytes
    content_type: str
    tag: str

    @classmethod
    def of(cls, content: bytes, content_type: str) -> "_Document":
        return cls(content, content_type, hashlib.sha256(content).hexdigest()[:16])

    def respond(self) -> Response:
        response = Response(self.content, content_type=self.content_type)
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["Referrer-Policy"] = "no-referrer"
        response.set_etag(self.tag)
        response.make_conditional(request)
        return response


def docs_blueprint() -> Blueprint:
    """Return /openapi.json, /docs and the list of problems; all is read and built here, once."""
    description = _description()
    page = _Document.of(_docs_page(), "text/html; charset=utf-8")
    problems = _Document.of(_problems_page(), "text/html; charset=utf-8")
    folder = _swagger_folder()
    assets = {
        name: _Document.of((folder / path).read_bytes(), kind) for name, (path, kind) in _ASSETS.items()
    }
    assets["start.js"] = _Document.of(_START.encode(), "text/javascript; charset=utf-8")
    assets["docs.css"] = _Document.of(_STYLE.encode(), "text/css; charset=utf-8")
    blueprint = Blueprint("docs", __name__)

    def asset(name: str) -> Response:
        return assets[name].respond() if name in assets else abort(404)

    blueprint.add_url_rule("/openapi.json", "openapi", description.respond)
    blueprint.add_url_rule("/docs", "docs", page.respond)
    blueprint.add_url_rule("/docs/problems", "problems", problems.respond)
    blueprint.add_url_rule("/docs/<name>", "asset", asset)
    return blueprint


@cache
def _description() -> _Document:
    """Return /openapi.json, which is the same for every application: half the time one takes to build."""
    return _Document.of(to_json(describe()), JSON)


def _swagger_folder() -> Path:
    """Return where Swagger UI's files lie. The package around them is found, never imported: it is large."""
    package = find_spec("flask_openapi3_swagger")
    if package is None or package.origin is None:
        raise ConfigurationError("flask-openapi3-swagger is not installed; /docs is made of its files")
    return Path(package.origin).parent / "templates" / "swagger"


def _docs_page() -> bytes:
    head = (
        '<link rel="stylesheet" href="/docs/swagger-ui.css">\n'
        '<link rel="stylesheet" href="/docs/docs.css">\n'
        '<script src="/docs/swagger-ui-bundle.js" defer></script>\n'
        '<script src="/docs/start.js" defer></script>'
    )
    body = (
        '<div id="docs"></div>\n<noscript><main><p>Without JavaScript, read'
        ' <a href="/openapi.json">the description</a>.</p></main></noscript>'
    )
    return _PAGE.format(title="Smarttontine notifications: API", head=head, body=body).encode()


def _problems_page() -> bytes:
    """What the `type` of a problem leads to."""
    shown = [kind for kind in (*KINDS.values(), *OF_HTTP.values(), INTERNAL) if kind.advice]
    entries = "\n".join(
        f'<h2 id="{kind.name}">{escape(kind.title)}</h2>\n'
        f"<p>Status <code>{int(kind.status)}</code>. {_advice(kind)}</p>"
        for kind in shown
    )
    body = f'<main>\n<h1>Problems</h1>\n<p><a href="/docs">The API</a></p>\n{entries}\n</main>'
    head = '<link rel="stylesheet" href="/docs/docs.css">'
    return _PAGE.format(title="Problems of the API", head=head, body=body).encode()


def _advice(kind: Kind) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(kind.advice))
