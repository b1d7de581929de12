"""Who stands behind the messages and pages: what stands below each of them, and where more is told."""

import re
from dataclasses import dataclass
from typing import Final

from notify.domain.characters import BIDI, CONTROL

_LONGEST_ADDRESS: Final = 200
_LONGEST_URL: Final = 300
# RFC 3986 without user information, and without what means something in a template.
_PAGE: Final = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d{1,5})?(?:[/?#][A-Za-z0-9\-._~:/?#@!$&'()*+,;=%]*)?")
_OF_TEMPLATES: Final = re.compile(r"[{}\[\]]")


@dataclass(frozen=True, slots=True)
class Imprint:
    """The shop's name and postal address, its privacy policy and its legal notice; None is left out."""

    address: str | None = None
    privacy_url: str | None = None
    legal_url: str | None = None


NO_IMPRINT: Final = Imprint()


def read_address(text: str) -> str:
    """Return one line of text; ValueError."""
    address = " ".join(text.split())
    if CONTROL.search(address) or BIDI.search(address) or _OF_TEMPLATES.search(address):
        raise ValueError("must be plain text without braces, brackets and control characters")
    if len(address) > _LONGEST_ADDRESS:
        raise ValueError(f"must have at most {_LONGEST_ADDRESS} characters")
    return address


def read_page(text: str) -> str:
    """Return the address of a page; ValueError."""
    if not _PAGE.fullmatch(text) or len(text) > _LONGEST_URL:
        raise ValueError(f"must be an http:// or https:// address of at most {_LONGEST_URL} characters")
    return text
