"""What the links of a preview lead to: a page that says so, whatever was asked."""

from typing import Literal

from flask import Response

from notify.web.pages.rendering import Pages


def preview_page(
    pages: Pages, locale: str, link: Literal["unsubscribe", "centre"], *, switch: str | None
) -> Response:
    """Return the page; `link` is what it would be in a message that was sent."""
    return pages.respond("preview", locale, switch=switch, text=f"preview.{link}")
