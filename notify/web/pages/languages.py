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
    return request.accept_languages.best_match(LOCALES, DEFAULT_LOCALE)
