"""The last touch to rendered text: spaces and blank lines as each kind of message has them."""

import re
import unicodedata
from typing import Final

_SPACES: Final = re.compile(r"\s+")
_LINE_ENDS: Final = re.compile(r"[^\S\n]*\n[^\S\n]*")
_TRAILING: Final = re.compile(r"[^\S\n]+$", re.MULTILINE)
_BLANK_LINES: Final = re.compile(r"\n{3,}")
_INLINE_SPACES: Final = re.compile(r"[^\S\n]+")
_NEW_LINES: Final = re.compile(r"\n+")


def finished_subject(text: str) -> str:
    """Return one header line; characters that could end it never get there."""
    return _SPACES.sub(" ", text).strip()


def finished_text(text: str) -> str:
    """Return plain text without trailing spaces and with one blank line at most."""
    return _BLANK_LINES.sub("\n\n", _TRAILING.sub("", text)).strip() + "\n"


def finished_sms(text: str) -> str:
    """Return an SMS in NFC with plain spaces, and no blank lines."""
    # One non-breaking or narrow space would turn the whole text into UCS-2, at twice the price.
    spaced = _LINE_ENDS.sub("\n", _INLINE_SPACES.sub(" ", unicodedata.normalize("NFC", text)))
    return _NEW_LINES.sub("\n", spaced).strip()
