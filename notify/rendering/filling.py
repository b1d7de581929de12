"""Fills a compiled template with what a message says."""

from collections.abc import Mapping
from typing import Any

from jinja2 import Template

from notify.domain.content import Links
from notify.domain.errors import RenderingError


def in_template(links: Links) -> dict[str, str | None]:
    """Return the links as templates know them."""
    return {
        "unsubscribe": links.unsubscribe,
        "centre": links.centre,
        # With a subject: some mail apps ask twice before they send a mail without one.
        "mailto": links.mailto and f"mailto:{links.mailto}?subject=unsubscribe",
        "mailbox": links.mailto,
        "stop": links.stop,
    }


def rendered(compiled: Template | None, context: Mapping[str, Any], place: str) -> str:
    """Render; RenderingError names `place`, which says template, language and part."""
    if compiled is None:
        raise RenderingError(f"{place}: the template does not have this channel")
    try:
        return compiled.render(context)
    except Exception as error:  # filters fail in many ways
        raise RenderingError(f"{place}: {type(error).__name__}") from error
