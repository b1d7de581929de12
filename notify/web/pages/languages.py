"""Which language a page speaks."""

from typing import Final

from flask import request

from notify.domain.catalogue import DEFAULT_LOCALE, LOCALES

OTHER: Final = {"fr": "en", "en": "fr"}
"""The language the switch on a page leads to."""


def language(message_locale: str | None = None) -> str:
    """Choose for this request: `?lang=`, else the message's, else Accept-Language, else French."""
    for wanted in (request.args.get("lang"), message_locale):
        if wanted in LOCALES:
            return wanted
    return _accepted() or DEFAULT_LOCALE


def _accepted() -> str | None:
    """Return the browser's favourite of ours; `fr-SN` counts as French, before an `en` that it likes less."""
    tags = (tag.partition("-")[0].lower() for tag, quality in request.accept_languages if quality > 0)
    return next((tag for tag in tags if tag in LOCALES), None)
